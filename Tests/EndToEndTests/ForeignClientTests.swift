// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// libtorrent, an implementation of BitTorrent v2 that shares no line with this one.
    @Suite struct ForeignClients {
        @Test(arguments: ["", "--hybrid"])
        func `libtorrent fetches from a peer`(_ options: String) async throws {
            try await Fleet.run { fleet in
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 9, options: "--out \(torrent) \(options)")
                let seed = try await fleet.peer("seed")
                let address = try #require(try await seed.status().listen.first)
                let client = try fleet.libtorrent(torrent, in: fleet.path("client"), connectingTo: address)
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
                let client = try fleet.libtorrent(torrent, in: fleet.path("client"))
                try await eventually("libtorrent has checked it") { client.output.contains("done") }
                let host = try await fleet.peer("host")
                let fetched = try await droverDoes("master fetch \(torrent) --clone vm --wait --store \(host.store)")
                #expect(fetched.lines == ["\(host.store)/clones/vm.qcow2"])
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }
    }
}
