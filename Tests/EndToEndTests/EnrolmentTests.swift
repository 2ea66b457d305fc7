// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Hosts that are let into a fleet, what they have there, and what others have not.
    @Suite struct Enrolment {
        @Test func `a master of a fleet goes to its hosts and to nobody else, and not to one that was shut out`()
            async throws
        {
            try await Fleet.run { fleet in
                try await fleet.found()
                // One host enrols before its peer runs, the other while it does.
                try await fleet.enrol(fleet.path("seed"), as: "rack1-1")
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 9, options: "--out \(torrent)")
                _ = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                let fetch = "master fetch base@1 --tracker \(fleet.tracker)"
                try await droverRefuses("\(fetch) --store \(host.store)", with: 8, saying: "drover host enrol")
                try await fleet.enrol(host.store, as: "rack1-2")
                try await droverDoes("\(fetch) --wait --store \(host.store)")
                #expect(try await areIdentical(image, host.master("base@1")))
                let words = try await droverDoes("status --store \(host.store)").output
                #expect(words.contains("enrolled as rack1-2"))

                // Whoever has the torrent and libtorrent, but no certificate.
                let client = try fleet.libtorrent(
                    torrent, in: fleet.path("client"), connectingTo: try #require(try await host.status().listen.first))
                try await eventually("libtorrent asks for a certificate") {
                    client.errors.contains("certificate") || client.errors.contains("SSL")
                }
                #expect(!client.output.contains("done"))

                // A host that is shut out gets no further master.
                try await trackerDoes("host revoke rack1-2 --database \(fleet.path("tracker.sqlite"))")
                let listed = try await trackerDoes("host list --database \(fleet.path("tracker.sqlite"))")
                #expect(listed.lines == ["rack1-1 enrolled", "rack1-2 revoked"])
            }
        }

        @Test func `behind TLS, operators publish with tokens and hosts fetch with certificates, and nobody else does`()
            async throws
        {
            try await Fleet.run { fleet in
                try await fleet.found(options: ["--tls", "--fleet"])
                let token = try await fleet.operatorToken("publisher")
                try await fleet.enrol(fleet.path("seed"), as: "rack1-1")
                let image = try makeImage(fleet.path("base.img"), mebibytes: 3, seed: 1)
                try await droverDoes(
                    "master create \(image) --name base --version 1 --tracker \(fleet.tracker) --store \(fleet.path("seed"))"
                )
                // A host may read; publishing is for operators.
                let publish = "master publish base@1 --tracker \(fleet.tracker) --store \(fleet.path("seed"))"
                try await droverRefuses(publish, with: 4, saying: "may not")
                try await droverDoes("\(publish) --token-file \(token)")
                // A token goes nowhere where others listen in.
                try await droverRefuses(
                    "master publish base@1 --tracker http://192.0.2.1:6969 --store \(fleet.path("seed")) --token-file "
                        + token, with: 2, saying: "https")
                _ = try await fleet.peer("seed")
                let stranger = try await fleet.peer("stranger")
                let fetch = "master fetch base@1 --tracker \(fleet.tracker) --wait --store"
                try await droverRefuses("\(fetch) \(stranger.store)", with: 10, saying: "authority")
                let host = try await fleet.peer("host")
                try await fleet.enrol(host.store, as: "rack1-2")
                try await droverDoes("\(fetch) \(host.store)")
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }

        @Test func `an operator on an enrolled host trusts the fleet's tracker, and nobody takes one without TLS 1.3`()
            async throws
        {
            try await Fleet.run { fleet in
                try await fleet.found(options: ["--tls", "--fleet"])
                let token = try await fleet.operatorToken("operator")
                try await fleet.enrol(fleet.path("host"), as: "rack1-1")
                let list = "rollout list --token-file \(token) --tracker"
                try await droverDoes(
                    "\(list) \(fleet.tracker)", environment: ["DROVER_STORE": fleet.path("host")])
                try await droverRefuses(
                    "\(list) \(fleet.tracker)", with: 10, saying: "authority",
                    environment: ["DROVER_STORE": fleet.path("nothing")])
                let key = fleet.path("old.key")
                try await tool(
                    "openssl req -x509 -newkey rsa:2048 -nodes -keyout \(key) -out \(key).pem -days 2 -subj /CN=old")
                let old = try fleet.start(
                    "/usr/bin/openssl",
                    ["s_server", "-tls1_2", "-www", "-accept", "127.0.0.1:0", "-key", key, "-cert", "\(key).pem"])
                let port = try await eventually("the old server listens") { () throws -> Substring? in
                    old.output.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }?.split(separator: ":").last
                }
                try await droverRefuses(
                    "\(list) https://127.0.0.1:\(port)", with: 10, saying: "TLS 1.3",
                    environment: ["DROVER_STORE": fleet.path("nothing")])
            }
        }

        @Test func `a token lets in one host, of the names it is for, of the fleet it names`() async throws {
            try await Fleet.run { fleet in
                try await fleet.found()
                let token = try await fleet.enrolmentToken("rack1-*")
                func enrol(_ token: String, _ name: String) -> String {
                    "host enrol --tracker \(fleet.tracker) --token \(token) --name \(name) --store \(fleet.path("host"))"
                }
                try await droverRefuses(enrol(token, "rack2-1"), with: 4, saying: "rack1-*")
                try await droverRefuses(enrol(token, "Rack1"), with: 2)
                try await droverRefuses(enrol("drover-enrol.0.0", "rack1-1"), with: 2)
                // Another fleet's tracker may sign what it likes.
                try await trackerDoes("fleet create \(fleet.path("other")) --name other")
                let foreign = try await trackerDoes(
                    "token create --authority \(fleet.path("other")) --database \(fleet.path("tracker.sqlite")) --hosts *"
                )
                try await droverRefuses(enrol(foreign.lines[0], "rack1-9"), with: 8, saying: "not from this fleet")
                try await droverDoes(enrol(token, "rack1-1"))
                try await droverRefuses(enrol(token, "rack1-2"), with: 4, saying: "has been used")
                let second = try await fleet.enrolmentToken("rack1-*")
                try await droverRefuses(enrol(second, "rack1-1"), with: 5, saying: "is enrolled")
                #expect(try permissions(fleet.path("host/identity/identity.json")) == 0o600)
                #expect(try permissions(fleet.path("authority/authority.key")) == 0o600)
                try await trackerDoes("fleet create \(fleet.path("other")) --name again", status: 1)
                try await droverDoes("host leave --store \(fleet.path("host"))")
                try await droverRefuses("host leave --store \(fleet.path("host"))", with: 3)
            }
        }

        @Test func `libtorrent with a certificate of the fleet takes part, in both directions`() async throws {
            try await Fleet.run { fleet in
                try await fleet.found()
                for name in ["seed", "host", "foreign"] {
                    try await fleet.enrol(fleet.path(name), as: "rack1-\(name)")
                }
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 9, options: "--out \(torrent)", namesTracker: false)
                let seed = try await fleet.peer("seed", withTracker: false)
                let identity = fleet.path("foreign/identity/identity.json")
                mkdir(fleet.path("client"), 0o755)
                try await tool("openssl dhparam -dsaparam -out \(fleet.path("client/dh.pem")) 2048")
                let client = try fleet.libtorrent(
                    torrent, in: fleet.path("client"), connectingTo: try #require(try await seed.status().listen.first),
                    identity: identity)
                try await eventually("libtorrent has it all") {
                    if client.exitStatus != nil { throw TestFailure(client.errors) }
                    return client.output.contains("done")
                }
                #expect(try await areIdentical(image, fleet.path("client/base@1.raw")))
                client.kill()
                seed.process.kill()

                // Now it is the only one that has the image.
                let host = try await fleet.peer("host", withTracker: false)
                try await droverDoes("master fetch \(torrent) --store \(host.store)")
                let giver = try fleet.libtorrent(
                    torrent, in: fleet.path("client"), connectingTo: try #require(try await host.status().listen.first),
                    identity: identity)
                try await host.registered("base@1")
                #expect(try await areIdentical(image, host.master("base@1")))
                #expect(giver.exitStatus == nil)
            }
        }

        /// Shakes hands in TLS twice, the second time with the first one's ticket; prints what came back each time.
        private static let resuming = """
            import json, os, socket, ssl, sys
            identity, folder, address, name = sys.argv[1:5]
            known = json.load(open(identity))
            for part in ('certificate', 'key'):
                open(folder + '/' + part, 'w').write(known[part])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.load_cert_chain(folder + '/certificate', folder + '/key')
            session = None
            for _ in range(2):
                host, port = address.rsplit(':', 1)
                stream = socket.create_connection((host, int(port)))
                stream.settimeout(30)
                stream = context.wrap_socket(stream, server_hostname=name, session=session)
                stream.sendall(bytes([19]) + b'BitTorrent protocol' + bytes(8) + bytes.fromhex(name) + os.urandom(20))
                try:
                    count = len(stream.recv(1000))
                except OSError:
                    count = 0
                print('resumed' if stream.session_reused else 'new', count > 0)
                session = stream.session
                stream.close()
            """

        @Test func `a session that is resumed with a ticket is not let in`() async throws {
            try await Fleet.run { fleet in
                try await fleet.found()
                try await fleet.enrol(fleet.path("seed"), as: "rack1-1")
                try await fleet.enrol(fleet.path("host"), as: "rack1-2")
                try await fleet.publish("base@1", in: "seed", mebibytes: 1)
                let seed = try await fleet.peer("seed")
                let shown = try await droverDoes("master show base@1 --store \(seed.store)")
                let hash = try #require(shown.lines.first { $0.hasPrefix("info-hash v2") }?.split(separator: " ").last)
                let tried = try await ChildProcess.run(
                    "/usr/bin/python3",
                    [
                        "-c", Self.resuming, fleet.path("host/identity/identity.json"), fleet.folder.path,
                        try #require(try await seed.status().listen.first), String(hash.prefix(40)),
                    ], environment: [:], within: .seconds(90))
                #expect(tried.lines == ["new True", "resumed False"], "\(tried)")
            }
        }

        private func permissions(_ path: String) throws -> UInt32 {
            var status = stat()
            guard stat(path, &status) == 0 else { throw TestFailure("there is no \(path)") }
            return status.st_mode & 0o777
        }
    }
}
