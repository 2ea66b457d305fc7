// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Metainfo
import TestSupport
import Testing

extension EndToEnd {
    /// What Drover is for: one image, several hosts, clones at once.
    @Suite struct MainJob {
        @Test func `three peers fetch a published master together and clone it on completion`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("debian@3", in: "seed", mebibytes: 24)
                _ = try await fleet.peer("seed")
                var peers: [FleetPeer] = []
                for number in 1...3 { peers.append(try await fleet.peer("host\(number)")) }
                let fetches = try peers.map { peer in
                    let words = "master fetch debian --clone web --count 2 --wait --store \(peer.store)"
                    return try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                }
                for (peer, fetch) in zip(peers, fetches) {
                    let finished = try await fetch.finished()
                    #expect(finished.status == 0, "\(finished)")
                    let clones = (1...2).map { "\(peer.store)/clones/web-\($0).qcow2" }
                    #expect(finished.lines == clones)
                    #expect(try await areIdentical(image, peer.master("debian@3")))
                    for clone in clones {
                        try await tool("qemu-img check -q \(clone)")
                        try await tool("qemu-img compare -q -F raw -f qcow2 \(clone) \(image)")
                    }
                }
            }
        }

        @Test func `a torrent without its piece layers is completed with those of a peer`() async throws {
            try await Fleet.run { fleet in
                let torrent = fleet.path("base.torrent")
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 4, options: "--piece-length 65536 --out \(torrent)")
                let whole = try readFile(torrent)
                try writeFile(withoutPieceLayers(whole), to: torrent)
                let peer = try await fleet.peer("host")
                _ = try await fleet.peer("seed")
                try await droverDoes("master fetch \(torrent) --wait --store \(peer.store)")
                #expect(try await areIdentical(image, peer.master("base@1")))
                // Neither the tracker nor the file needs to have the layers for those who come later.
                let kept = try readFile("\(peer.store)/masters/base@1.torrent")
                #expect(try Metainfo(torrent: kept).pieceHashes == Metainfo(torrent: whole).pieceHashes)
            }
        }

        @Test func `a status in JSON has the promised fields`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                _ = try await fleet.peer("seed")
                let peer = try await fleet.peer("host")
                try await droverDoes("master fetch base@1 --wait --store \(peer.store)")
                let text = try await droverDoes("status --format json --store \(peer.store)").output
                let entry = try #require(StatusDocument(json: text).master("base@1"))
                #expect(entry.state == "registered")
                #expect(entry.size == 4 << 20)
                #expect(entry.bytesVerified == entry.size)
                #expect(entry.received >= entry.size)
                let table = try await droverDoes("status --store \(peer.store)").output
                #expect(table.contains("base@1") && table.contains("registered") && table.contains("100 %"))
            }
        }

        @Test func `a clone that was written to goes back to its master, and the master outlives no clone`()
            async throws
        {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let image = try makeImage(fleet.path("base.img"), mebibytes: 4)
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    let created = try await droverDoes("clone create base web --count 3 --store \(store)")
                    #expect(created.lines == (1...3).map { "\(store)/clones/web-\($0).qcow2" })
                    #expect(created.output.hasSuffix("qcow2\n"))
                    let clone = created.lines[0]
                    try await tool("qemu-io", ["-f", "qcow2", "-c", "write -P 7 65536 65536", clone])
                    let written = try await ChildProcess.run(
                        "qemu-img", ["compare", "-q", "-F", "raw", "-f", "qcow2", clone, image])
                    #expect(written.status == 1)
                    try await droverDoes("clone reset web-1 --store \(store)")
                    try await tool("qemu-img compare -q -F raw -f qcow2 \(clone) \(image)")

                    try await droverRefuses("master remove base@1 --store \(store)", with: 5, saying: "web-1")
                    try await droverRefuses("clone create base web-2 --store \(store)", with: 5, saying: "web-2")
                    try await droverDoes("clone remove web-1 web-2 web-3 --store \(store)")
                    #expect(try listing("\(store)/clones").allSatisfy { $0.hasPrefix("journal ") })
                    peer?.process.kill()
                }
                try await droverDoes("master remove base@1 --store \(store)")
                #expect(try listing("\(store)/masters").isEmpty)
            }
        }

        @Test(arguments: ["qcow2", "copy", "vhd"]) func `a backend that is named is used`(_ backend: String)
            async throws
        {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let image = try makeImage(fleet.path("base.img"), mebibytes: 2)
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                let path = try await droverDoes("clone create base vm --backend \(backend) --store \(store)").lines[0]
                #expect(path == "\(store)/clones/vm.\(backend == "copy" ? "raw" : backend)")
                let shown = try await droverDoes("clone show vm --format json --store \(store)").output
                let clone = try JSONDecoder().decode(ShownClone.self, from: Data(shown.utf8))
                #expect(clone.name == "vm" && clone.master == "base@1")
                #expect(clone.backend == backend && clone.path == path)
                #expect(clone.isUsable && clone.health == "ok" && clone.fill == nil)
            }
        }

        /// What programs may rely on of a clone in JSON.
        private struct ShownClone: Decodable {
            let name, master, backend, path, health: String
            let isUsable: Bool
            let fill: Double?
        }

        @Test func `a fetch whose clones cannot be made keeps the master and exits with 6`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 2)
                let host = try await fleet.peer("host")
                let other = try makeImage(fleet.path("other.img"), mebibytes: 1, seed: 5)
                try await droverDoes("master create \(other) --name other --version 1 --store \(host.store)")
                let words = "master fetch base --clone web --wait --store \(host.store)"
                let fetch = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("the fetch is under way") { try await host.status().master("base@1") != nil }
                // Somebody takes the name meanwhile.
                let clone = try await droverDoes("clone create other web --store \(host.store)").lines[0]
                _ = try await fleet.peer("seed")
                let finished = try await fetch.finished()
                #expect(finished.status == 6, "\(finished)")
                #expect(finished.output.isEmpty)
                #expect(finished.errors.contains("web"))
                #expect(try await host.status().master("base@1")?.state == "registered")
                try await tool("qemu-img compare -q -F raw -f qcow2 \(clone) \(other)")
            }
        }

        @Test func `a torrent is inspected in JSON with the promised fields`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.img"), mebibytes: 2)
                for hybrid in [false, true] {
                    let out = fleet.path("base-\(hybrid).torrent")
                    try await droverDoes(
                        "master create \(image) --name base --version 7 --tracker \(fleet.tracker) --out \(out) "
                            + "--piece-length 65536 --store \(fleet.path("store-\(hybrid)")) \(hybrid ? "--hybrid" : "")"
                    )
                    let text = try await droverDoes("master inspect \(out) --format json").output
                    let report = try JSONDecoder().decode(Inspection.self, from: Data(text.utf8))
                    #expect(report.name == "base@7.raw")
                    #expect(report.size == 2 << 20)
                    #expect(report.pieceLength == 65536)
                    #expect(report.infoHashV2?.count == 64)
                    #expect(report.infoHashV1?.count == (hybrid ? 40 : nil))
                    #expect(text.contains("infoHashV1\" : null") != hybrid)
                    #expect(!report.private)
                    #expect(report.trackers == ["\(fleet.tracker)/announce"])
                }
            }
        }

        private struct Inspection: Decodable {
            let name: String
            let size: Int64
            let pieceLength: Int
            let infoHashV1: String?
            let infoHashV2: String?
            let `private`: Bool
            let trackers: [String]
        }
    }
}
