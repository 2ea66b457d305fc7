// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Hosts that are let into a fleet, what they have there, and what others have not.
    @Suite struct Enrolment {
        /// Makes an authority, and has the tracker run with it.
        private static func found(_ fleet: Fleet) async throws {
            let made = try await Self.tracker("fleet create \(fleet.path("authority")) --name test")
            #expect(made.lines.first?.count == 64)
            try fleet.startedTracker.signal(SIGTERM)
            let old = try fleet.startedTracker
            _ = try await eventually("the tracker ends") { old.exitStatus }
            try await fleet.startTracker(options: ["--authority", fleet.path("authority")])
        }

        private static func tracker(_ words: String, status: Int32 = 0) async throws -> ChildProcess.Finished {
            let finished = try await ChildProcess.run(
                Program.tracker, words.split(separator: " ").map(String.init), environment: [:], within: .seconds(60))
            guard finished.status == status else { throw TestFailure("\(finished)") }
            return finished
        }

        private static func token(_ fleet: Fleet, _ hosts: String) async throws -> String {
            let made = try await tracker(
                "token create --authority \(fleet.path("authority")) --database \(fleet.path("tracker.sqlite")) --hosts \(hosts)"
            )
            return made.lines[0]
        }

        private static func enrol(_ fleet: Fleet, _ store: String, as name: String) async throws {
            let token = try await token(fleet, "rack1-*")
            try await droverDoes(
                "host enrol --tracker \(fleet.tracker) --token \(token) --name \(name) --store \(store)")
        }

        @Test func `a master of a fleet goes to its hosts and to nobody else, and not to one that was shut out`()
            async throws
        {
            try await Fleet.run { fleet in
                try await Self.found(fleet)
                // One host enrols before its peer runs, the other while it does.
                try await Self.enrol(fleet, fleet.path("seed"), as: "rack1-1")
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 9, options: "--out \(torrent)")
                _ = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                let fetch = "master fetch base@1 --tracker \(fleet.tracker)"
                try await droverRefuses("\(fetch) --store \(host.store)", with: 8, saying: "drover host enrol")
                try await Self.enrol(fleet, host.store, as: "rack1-2")
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
                _ = try await Self.tracker("host revoke rack1-2 --database \(fleet.path("tracker.sqlite"))")
                let listed = try await Self.tracker("host list --database \(fleet.path("tracker.sqlite"))")
                #expect(listed.lines == ["rack1-1 enrolled", "rack1-2 revoked"])
            }
        }

        @Test func `a token lets in one host, of the names it is for, of the fleet it names`() async throws {
            try await Fleet.run { fleet in
                try await Self.found(fleet)
                let token = try await Self.token(fleet, "rack1-*")
                func enrol(_ token: String, _ name: String) -> String {
                    "host enrol --tracker \(fleet.tracker) --token \(token) --name \(name) --store \(fleet.path("host"))"
                }
                try await droverRefuses(enrol(token, "rack2-1"), with: 1, saying: "rack1-*")
                try await droverRefuses(enrol(token, "Rack1"), with: 2)
                try await droverRefuses(enrol("drover-enrol.0.0", "rack1-1"), with: 2)
                // Another fleet's tracker may sign what it likes.
                _ = try await Self.tracker("fleet create \(fleet.path("other")) --name other")
                let foreign = try await Self.tracker(
                    "token create --authority \(fleet.path("other")) --database \(fleet.path("tracker.sqlite")) --hosts *"
                )
                try await droverRefuses(enrol(foreign.lines[0], "rack1-9"), with: 8, saying: "not from this fleet")
                try await droverDoes(enrol(token, "rack1-1"))
                try await droverRefuses(enrol(token, "rack1-2"), with: 1, saying: "has been used")
                let second = try await Self.token(fleet, "rack1-*")
                try await droverRefuses(enrol(second, "rack1-1"), with: 5, saying: "is enrolled")
                #expect(try permissions(fleet.path("host/identity/identity.json")) == 0o600)
                #expect(try permissions(fleet.path("authority/authority.key")) == 0o600)
                _ = try await Self.tracker("fleet create \(fleet.path("other")) --name again", status: 1)
                try await droverDoes("host leave --store \(fleet.path("host"))")
                try await droverRefuses("host leave --store \(fleet.path("host"))", with: 3)
            }
        }

        private func permissions(_ path: String) throws -> UInt32 {
            var status = stat()
            guard stat(path, &status) == 0 else { throw TestFailure("there is no \(path)") }
            return status.st_mode & 0o777
        }
    }
}
