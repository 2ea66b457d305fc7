// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// Each mistake gets one sentence, its exit code, and leaves nothing half-made.
    @Suite struct BadInput {
        private static let empty = ["clones/", "masters/", "partial/"]

        @Test(arguments: [1, 100, 300, 1000]) func `a truncated torrent is refused`(_ count: Int) async throws {
            try await refusesTorrent { Array($0.prefix(count)) }
        }

        @Test(arguments: ["piece length", "length", "pieces root", "piece layers", "file tree", "meta version"])
        func `a torrent that was altered beside a key is refused`(_ key: String) async throws {
            try await refusesTorrent { bytes in
                let key = Array("\(key.utf8.count):\(key)".utf8)
                let place = try #require(
                    bytes.indices.first { bytes[$0...].starts(with: key) }, "the torrent has this key")
                var bytes = bytes
                bytes[place + key.count] ^= 0x01
                return bytes
            }
        }

        @Test(arguments: ["d", "", "hello", "le", "i1e", "d4:infodee"])
        func `a file that is no torrent is refused`(_ text: String) async throws {
            try await refusesTorrent { _ in Array(text.utf8) }
        }

        @Test func `a torrent whose piece layer was altered is refused`() async throws {
            try await refusesTorrent { bytes in
                var bytes = bytes
                bytes[bytes.count - 10] ^= 0x01
                return bytes
            }
        }

        /// Inspecting and fetching a spoiled torrent both fail, with a peer and without one.
        private func refusesTorrent(_ spoil: ([UInt8]) throws -> [UInt8]) async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 2)
                let torrent = fleet.path("base.torrent")
                try await droverDoes(
                    "master create \(image) --name base --version 1 --piece-length 65536 --out \(torrent) "
                        + "--store \(fleet.path("seed"))")
                try writeFile(spoil(readFile(torrent)), to: torrent)
                try await droverRefuses("master inspect \(torrent)", with: 1, saying: "base.torrent")
                let store = fleet.path("host")
                try await droverRefuses("master fetch \(torrent) --store \(store)", with: 1)
                #expect(try listing(store) == Self.empty)
                _ = try await fleet.peer("host")
                try await droverRefuses("master fetch \(torrent) --clone vm --wait --store \(store)", with: 1)
                #expect(try listing(store) == Self.empty)
            }
        }

        @Test func `a full disk is noticed before anything is fetched or made`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("big@1", in: "seed", mebibytes: 24)
                try await withMount(fleet.path("small"), "-t tmpfs -o size=16m tmpfs") { mount in
                    let store = "\(mount)/store"
                    try await droverRefuses(
                        "master create \(image) --name big --version 1 --store \(store)", with: 9, saying: "free some")
                    #expect(try listing(store) == Self.empty)
                    try await droverRefuses(
                        "master fetch big --tracker \(fleet.tracker) --store \(store)", with: 9, saying: "free some")
                    #expect(try listing(store) == Self.empty)
                    let peer = try await fleet.peer("small", store: store)
                    try await droverRefuses("master fetch big --wait --store \(store)", with: 9, saying: "free some")
                    #expect(try listing(store) == Self.empty)
                    peer.process.kill()
                }
            }
        }

        @Test func `a disk that fills up during a fetch stops it, and it goes on once there is room`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("big@1", in: "seed", mebibytes: 24)
                try await withMount(fleet.path("small"), "-t tmpfs -o size=40m tmpfs") { mount in
                    let store = "\(mount)/store"
                    let peer = try await fleet.peer("small", store: store)
                    // Nobody has it yet: the fetch begins with room enough, which is gone when the bytes come.
                    try await droverDoes("master fetch big --clone vm --store \(store)")
                    let ballast = try makeImage("\(mount)/ballast", mebibytes: 30)
                    let seed = try await fleet.peer("seed")
                    try await eventually("the fetch stops") {
                        try await peer.status().master("big@1")?.state == "failed"
                    }
                    let reason = try #require(try await peer.status().master("big@1")?.failure)
                    #expect(reason.contains("full") || reason.contains("space"), "\(reason)")
                    #expect(try listing("\(store)/masters").isEmpty && listing("\(store)/clones").isEmpty)
                    unlink(ballast)
                    try await droverDoes("master fetch big --wait --store \(store)")
                    #expect(try await areIdentical(image, peer.master("big@1")))
                    #expect(try listing("\(store)/clones").contains { $0.hasPrefix("vm.qcow2") })
                    peer.process.kill()
                    seed.process.kill()
                }
            }
        }

        @Test func `a disk that fills up while a master is made leaves nothing`() async throws {
            try await Fleet.run { fleet in
                // A qcow2 says nothing about how much room its content takes.
                let raw = try makeImage(fleet.path("base.raw"), mebibytes: 24)
                let image = fleet.path("base.qcow2")
                try await tool("qemu-img convert -f raw -O qcow2 \(raw) \(image)")
                try await withMount(fleet.path("small"), "-t tmpfs -o size=16m tmpfs") { mount in
                    let store = "\(mount)/store"
                    try await droverRefuses("master create \(image) --name big --version 1 --store \(store)", with: 9)
                    #expect(try listing(store) == Self.empty)
                }
            }
        }

        @Test func `a read-only store is named as such`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 1)
                try await withMount(fleet.path("disc"), "-t tmpfs -o size=16m tmpfs") { mount in
                    let store = "\(mount)/store"
                    try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                    let before = try listing(store)
                    try await tool("mount -o remount,ro \(mount)")
                    for words in [
                        "master create \(image) --name base --version 2", "clone create base vm", "peer run",
                        "master fetch base@3 --tracker \(fleet.tracker)", "master remove base@1",
                    ] {
                        try await droverRefuses("\(words) --store \(store)", with: 1, saying: "read-only")
                    }
                    try await tool("mount -o remount,rw \(mount)")
                    #expect(try listing(store) == before)
                }
            }
        }

        @Test func `a second peer on a store is refused`() async throws {
            try await Fleet.run { fleet in
                let peer = try await fleet.peer("host")
                try await droverRefuses(
                    "peer run --store \(peer.store) --listen 127.0.0.1:0", with: 5,
                    saying: "a peer is running on \(peer.store)")
                // One that does not answer still holds its lock.
                peer.process.signal(SIGSTOP)
                unlink("\(peer.store)/control.sock")
                try await droverRefuses(
                    "master list --store \(peer.store)", with: 5, saying: "process \(peer.process.identifier)")
                peer.process.signal(SIGCONT)
            }
        }

        @Test func `a port in use is named`() async throws {
            try await Fleet.run { fleet in
                let taken = try #require(try await fleet.peer("host").status().listen.first)
                try await droverRefuses(
                    "peer run --store \(fleet.path("other")) --listen \(taken)", with: 1, saying: "in use")
                try await droverRefuses(
                    "peer run --store \(fleet.path("other")) --listen 192.0.2.7:0", with: 1, saying: "192.0.2.7")
                let tracker = try await ChildProcess.run(
                    Program.tracker, ["run", "--listen", taken, "--database", fleet.path("other.sqlite")])
                #expect(tracker.status == 1)
                #expect(tracker.errors.contains("already listens on \(taken)"))
            }
        }

        @Test func `a tracker that cannot be reached is named`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 1)
                let nobody = "http://127.0.0.1:1"
                let store = fleet.path("host")
                let words = "master fetch base --tracker \(nobody) --store \(store)"
                try await droverRefuses(words, with: 10, saying: nobody)
                #expect(try listing(store) == Self.empty)
                try await droverRefuses(
                    "master publish base@1 --tracker \(nobody) --store \(fleet.path("seed"))", with: 10, saying: nobody)
                _ = try await fleet.peer("host", withTracker: false)
                try await droverRefuses(words, with: 10, saying: nobody)
                try await droverRefuses("master fetch base --store \(store)", with: 2, saying: "--tracker")
                #expect(try listing(store) == Self.empty)
            }
        }

        @Test func `a version that exists with other content is refused everywhere`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "one", mebibytes: 1, seed: 1)
                let other = try makeImage(fleet.path("other.raw"), mebibytes: 1, seed: 2)
                let (one, two) = (fleet.path("one"), fleet.path("two"))
                try await droverRefuses("master create \(other) --name base --version 1 --store \(one)", with: 5)
                try await droverDoes(
                    "master create \(other) --name base --version 1 --out \(fleet.path("other.torrent")) --store \(two)"
                )
                let before = try (listing(one), listing(two))
                try await droverRefuses(
                    "master publish base@1 --tracker \(fleet.tracker) --store \(two)", with: 5, saying: "base@1")
                let fetch = "master fetch \(fleet.path("other.torrent")) --store \(one)"
                try await droverRefuses(fetch, with: 5, saying: "base@1")
                let peer = try await fleet.peer("one")
                try await droverRefuses(fetch, with: 5, saying: "base@1")
                try await droverRefuses("master create \(other) --name base --version 1 --store \(one)", with: 5)
                #expect(try listing(one) == before.0)
                #expect(try listing(two) == before.1)
                // The same content again is no mistake.
                try await droverDoes("master publish base@1 --tracker \(fleet.tracker) --store \(one)")
                try await droverDoes("master fetch base --wait --store \(peer.store)")
            }
        }

        @Test func `names that cannot be are refused before anything happens`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "store", mebibytes: 1)
                let store = fleet.path("store")
                let before = try listing(store)
                for isRunning in [false, true] {
                    if isRunning { _ = try await fleet.peer("store") }
                    for name in ["a/b", "../x", ".hidden", "-1/x"] {
                        try await droverRefuses("clone create base --store \(store) -- \(name)", with: 2)
                    }
                    for words in [
                        "clone create base a/b --count 3", "clone create base vm --count 0",
                        "clone create base vm --backend zfs", "clone create ba/se vm",
                        "master fetch base --tracker \(fleet.tracker) --clone a/b",
                        "master fetch base --tracker \(fleet.tracker) --as base --clone b",
                        "master fetch base --tracker ftp://nobody",
                        "master create \(image) --name a/b --version 1",
                        "master create \(image) --name b --version 1 "
                            + "--piece-length 1000",
                    ] {
                        try await droverRefuses("\(words) --store \(store)", with: 2)
                    }
                    for words in [
                        "master show nothing", "master verify nothing@1", "master remove nothing@1",
                        "clone create nothing vm", "clone show nothing", "clone reset nothing", "clone remove nothing",
                        "master create /nonexistent.raw --name b --version 1", "master fetch /nonexistent.torrent",
                        "master fetch nothing --tracker \(fleet.tracker)",
                        "master publish nothing@1 --tracker \(fleet.tracker)",
                    ] {
                        try await droverRefuses("\(words) --store \(store)", with: 3)
                    }
                    #expect(try listing(store) == before)
                }
            }
        }

        @Test(arguments: [
            "", "frobnicate", "master", "master create", "master create x.raw --name a", "master fetch",
            "master create x.raw --name a --version 0", "master create x.raw --name a --version one",
            "master fetch a --count 2", "clone create a", "status --format xml", "peer run --listen nonsense",
            "peer run --listen localhost:1", "peer run --allow-network 10.0.0.0/40", "peer run --tracker nonsense",
            "clone create a b --nonsense",
        ]) func `wrong usage exits with 2`(_ words: String) async throws {
            try await Fleet.run { fleet in
                let finished = try await drover(words, environment: ["DROVER_STORE": fleet.path("store")])
                #expect(words.isEmpty || words == "master" || finished.status == 2, "\(finished)")
                #expect(finished.output.isEmpty != finished.errors.isEmpty)
                #expect(access(fleet.path("store"), F_OK) != 0)
            }
        }

        @Test func `there is no store where none was made`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("nothing")
                for words in ["master list", "clone list", "status", "master show a", "clone create a b"] {
                    try await droverRefuses("\(words) --store \(store)", with: 3, saying: store)
                }
                #expect(access(store, F_OK) != 0)
                try writeFile([1], to: store)
                try await droverRefuses("peer run --store \(store)", with: 1, saying: "not a folder")
            }
        }

        @Test func `a rollout is asked for with what can be kept, and its tracker is waited for`() async throws {
            try await Fleet.run { fleet in
                try writeFile(Array("drv_1\n".utf8), to: fleet.path("token"))
                let asker = "--token-file \(fleet.path("token")) --tracker http://127.0.0.1:1"
                try await droverRefuses("rollout status 1 --wait --timeout 1s \(asker)", with: 7, saying: "127.0.0.1:1")
                try await droverRefuses("rollout status 1 \(asker)", with: 10)
                try await droverRefuses("rollout start 12 --window sat-sun \(asker)", with: 2, saying: "start 12")
                let key = String(repeating: "k", count: 123)
                try await droverRefuses(
                    "rollout start base@1 --on all --request-key \(key) \(asker)", with: 2, saying: "122 bytes")
                try await droverRefuses(
                    "rollout start base@1 --on all --request-key \(key.dropLast()) \(asker)", with: 10)
            }
        }

        @Test func `nothing that others wrote steers a terminal`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("a.img"), mebibytes: 1, seed: 1)
                let store = fleet.path("store")
                let made = try await ChildProcess.run(
                    Program.drover,
                    [
                        "master", "create", image, "--name", "a", "--version", "1", "--store", store, "--label",
                        "red\u{1b}]0;title\u{7}\u{202e}der",
                    ], within: .seconds(60))
                #expect(made.status == 0, "\(made)")
                let list = "\(Program.drover) master list --store \(store)"
                let piped = try await tool("\(list)")
                let shown = try await tool("script", ["-qec", list, "/dev/null"])
                #expect(piped.contains("\u{1b}]0;title"), "programs get what is there")
                #expect(shown.contains("red?]0;title??der"), "\(shown)")
                #expect(shown.split(whereSeparator: \.isNewline).count == 2, "lines stay lines: \(shown)")
            }
        }

        private func withMount(_ path: String, _ options: String, _ body: (String) async throws -> Void) async throws {
            mkdir(path, 0o755)
            try await tool("mount \(options) \(path)")
            do {
                try await body(path)
            } catch {
                try await tool("umount -l \(path)")
                throw error
            }
            try await tool("umount -l \(path)")
        }
    }
}
