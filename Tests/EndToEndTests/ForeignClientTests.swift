// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// libtorrent, an implementation of BitTorrent v2 that shares no line with this one.
    @Suite struct ForeignClients {
        /// Takes a torrent, a folder, and an address to connect to (or none); prints its own port, and `done` when the
        /// folder holds the whole image. Ends when it is killed.
        private static let script = """
            import sys, time, libtorrent as lt
            torrent, folder, peer = sys.argv[1:4]
            session = lt.session({
                'listen_interfaces': '127.0.0.1:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                'enable_natpmp': False, 'allow_multiple_connections_per_ip': True, 'alert_mask': lt.alert_category.all,
                'out_enc_policy': 2, 'in_enc_policy': 2, 'enable_outgoing_utp': False, 'enable_incoming_utp': False})
            parameters = lt.add_torrent_params()
            parameters.ti = lt.torrent_info(torrent)
            parameters.save_path = folder
            parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
            handle = session.add_torrent(parameters)
            port = 0
            seeding = False
            while True:
                for alert in session.pop_alerts():
                    print(alert.message(), file=sys.stderr, flush=True)
                if not port and session.listen_port():
                    port = session.listen_port()
                    print('port', port, flush=True)
                status = handle.status()
                if peer != '-' and not status.is_seeding and status.num_peers == 0:
                    host, number = peer.rsplit(':', 1)
                    handle.connect_peer((host, int(number)))
                if status.is_seeding and not seeding:
                    seeding = True
                    print('done', flush=True)
                time.sleep(0.1)
            """

        @Test(arguments: ["", "--hybrid"])
        func `libtorrent fetches from a peer`(_ options: String) async throws {
            try await Fleet.run { fleet in
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 9, options: "--out \(torrent) \(options)")
                let seed = try await fleet.peer("seed")
                let address = try #require(try await seed.status().listen.first)
                let client = try libtorrent(fleet, torrent, fleet.path("client"), address)
                try await eventually("libtorrent has it all") {
                    if client.exitStatus != nil { throw TestFailure(client.errors) }
                    return client.output.contains("done")
                }
                #expect(try await areIdentical(image, fleet.path("client/base@1.raw")))
            }
        }

        @Test(arguments: ["", "--hybrid"])
        func `a peer fetches from libtorrent`(_ options: String) async throws {
            try await Fleet.run { fleet in
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 9, options: "--out \(torrent) \(options)")
                // The client finds the image in its folder, checks it, and announces to the torrent's own tracker.
                mkdir(fleet.path("client"), 0o755)
                try await tool("cp \(image) \(fleet.path("client/base@1.raw"))")
                let client = try libtorrent(fleet, torrent, fleet.path("client"), "-")
                try await eventually("libtorrent has checked it") { client.output.contains("done") }
                let host = try await fleet.peer("host")
                let fetched = try await droverDoes("master fetch \(torrent) --clone vm --wait --store \(host.store)")
                #expect(fetched.lines == ["\(host.store)/clones/vm.qcow2"])
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }

        private func libtorrent(
            _ fleet: Fleet, _ torrent: String, _ folder: String, _ peer: String
        ) throws -> ChildProcess {
            mkdir(folder, 0o755)
            return try fleet.start("/usr/bin/python3", ["-c", Self.script, torrent, folder, peer])
        }
    }
}
