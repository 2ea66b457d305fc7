// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// Commands work beside a running peer and where none runs, on stores wherever they are.
    @Suite struct Stores {
        @Test func `every command prints the same beside a running peer and without one`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "store", mebibytes: 2)
                let store = fleet.path("store")
                var outputs: [[String: String]] = []
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    var output: [String: String] = [:]
                    for words in [
                        "master create \(image) --name base --version 2 --label second", "master list",
                        "master list --format json", "master show base", "master show base@1 --format json",
                        "master verify base", "master verify base@1 --format json",
                        "master publish base@2 --tracker \(fleet.tracker)", "clone create base web --count 2",
                        "clone create base@1 db", "clone list", "clone list --format json", "clone show web-1",
                        "clone show db --format json", "clone reset web-1 web-2", "clone remove web-1 web-2 db",
                        "clone list", "master remove base@2", "master list",
                        "master adopt \(image) --torrent \(store)/masters/base@1.torrent --as own@4",
                        "master adopt \(image) --torrent \(store)/masters/base@1.torrent --as own@5 --format json",
                        "master list --quiet", "master show own", "master verify own", "clone create own@4 on-it",
                        "clone show on-it", "clone remove on-it", "master remove own@4 own@5",
                    ] {
                        // The allocation of a new file settles late on some file systems.
                        let text = try await droverDoes("\(words) --store \(store)").output
                        output[words] = text.split(separator: "\n").filter {
                            !$0.contains("on disk") && !$0.contains("allocated")
                        }
                        .joined(separator: "\n")
                    }
                    outputs.append(output)
                    peer?.process.kill()
                }
                for (words, text) in outputs[0] { #expect(text == outputs[1][words], "\(words)") }
            }
        }

        @Test func `without a peer status prints what the store holds and exits with 11`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "store", mebibytes: 2)
                let store = fleet.path("store")
                for format in ["table", "json"] {
                    let finished = try await drover("status --format \(format) --store \(store)")
                    #expect(finished.status == 11)
                    expectOneSentence(finished.errors, saying: "peer run")
                    #expect(finished.output.contains("base") && finished.output.contains("registered"))
                }
                // A dead peer's socket is no peer.
                let peer = try await fleet.peer("store")
                peer.process.kill()
                #expect(access("\(store)/control.sock", F_OK) == 0)
                #expect(try await drover("status --store \(store)").status == 11)
                try await droverDoes("master list --store \(store)")
                _ = try await peer.restart()
                #expect(try await drover("status --store \(store)").status == 0)
            }
        }

        @Test func `without a peer a fetch runs in the foreground until it is done`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                _ = try await fleet.peer("seed")
                let store = fleet.path("host")
                let finished = try await droverDoes(
                    "master fetch base --as copy@9 --tracker \(fleet.tracker) --clone vm --store \(store)")
                #expect(finished.lines == ["\(store)/clones/vm.qcow2"])
                #expect(try await areIdentical(image, "\(store)/masters/copy@9.raw"))
                #expect(try listing("\(store)/partial").isEmpty)
                // Asking again for what is there costs nothing and makes the clone that is new.
                let again = try await droverDoes(
                    "master fetch base --as copy@9 --tracker \(fleet.tracker) --clone vm2 --wait --store \(store)")
                #expect(again.lines == ["\(store)/clones/vm2.qcow2"])
            }
        }

        @Test func `a fetch that is under way is given up with and without a peer`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 2)
                let peer = try await fleet.peer("host")
                for isRunning in [true, false] {
                    if !isRunning { _ = try await peer.restart() }
                    try await droverDoes("master fetch base --store \(peer.store)")
                    #expect(try await peer.status().master("base@1")?.state == "fetching")
                    if !isRunning { peer.process.kill() }
                    try await droverDoes("master remove base@1 --store \(peer.store)")
                    #expect(try listing("\(peer.store)/partial").isEmpty)
                    if isRunning { peer.process.kill() }
                }
            }
        }

        @Test func `a master that is made beside a running peer is served at once`() async throws {
            try await Fleet.run { fleet in
                let seed = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                try await droverDoes("master fetch base --wait --store \(host.store)")
                #expect(try await areIdentical(image, host.master("base@1")))
                // What was removed is served no more.
                try await droverDoes("master remove base@1 --store \(seed.store)")
                #expect(try await seed.status().masters.isEmpty)
            }
        }

        @Test func `a store path longer than a socket name works`() async throws {
            try await Fleet.run { fleet in
                let long = (1...6).map { "\($0)-" + String(repeating: "long", count: 8) }.joined(separator: "/")
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 2)
                _ = try await fleet.peer("seed")
                let store = fleet.path(long)
                #expect(store.utf8.count > 200)
                let peer = try await fleet.peer(long)
                try await droverDoes("master create \(image) --name own --version 1 --store \(store)")
                let fetched = try await droverDoes("master fetch base --clone vm --wait --store \(store)")
                #expect(fetched.lines == ["\(store)/clones/vm.qcow2"])
                #expect(try await areIdentical(image, peer.master("base@1")))
                try await tool("qemu-img compare -q -F raw -f qcow2 \(store)/clones/vm.qcow2 \(image)")
                #expect(try await drover("status --store \(store)").status == 0)
            }
        }

        @Test func `a store is named by a relative path or by the environment`() async throws {
            try await Fleet.run { fleet in
                try makeImage(fleet.path("base.raw"), mebibytes: 1)
                let here = ["-C", fleet.path(""), Program.drover]
                func drover(_ words: String, _ environment: [String: String] = [:]) async throws
                    -> ChildProcess.Finished
                {
                    let finished = try await ChildProcess.run(
                        "env", here + words.split(separator: " ").map(String.init), environment: environment)
                    guard finished.status == 0 else { throw TestFailure("\(finished)") }
                    return finished
                }
                _ = try await drover("master create base.raw --name base --version 1 --store ./store")
                let peer = try fleet.start(
                    "env", here + "peer run --store store --listen 127.0.0.1:0".split(separator: " ").map(String.init))
                try await eventually("the peer answers") { try StatusDocument.ask(store: fleet.path("store")) != nil }
                let path = try await drover("clone create base vm --store store").lines
                #expect(path == ["\(fleet.path("store"))/clones/vm.qcow2"])
                let listed = try await drover("clone list --format json", ["DROVER_STORE": "store"]).output
                #expect(listed.contains("\(fleet.path("store"))/clones/vm.qcow2"))
                _ = try await drover("clone remove vm", ["DROVER_STORE": fleet.path("store")])
                peer.kill()
            }
        }

        @Test func `caps on the rates are kept, shown and changed with and without a peer`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                #expect(try await drover("limit --store \(store)").status == 3)
                #expect(try await droverDoes("limit --up 200M --store \(store)").output == "up 200M, down off\n")
                for wrong in ["200X", "0", "-5", "1e9", "63k", "2000000M", "M"] {
                    let refused = try await ChildProcess.run(
                        Program.drover, ["limit", "--up=\(wrong)", "--store", store])
                    #expect(refused.status == 2 && refused.errors.contains("not a rate"), "\(wrong): \(refused)")
                }
                let peer = try await fleet.peer("store")
                #expect(try await droverDoes("limit --store \(store)").output == "up 200M, down off\n")
                #expect(try await droverDoes("limit --down 1.5G --store \(store)").output == "up 200M, down 1.5G\n")
                #expect(try await droverDoes("status --store \(store)").output.contains("limits: up 200M, down 1.5G"))
                peer.process.kill()
                let again = try await fleet.peer("store")
                let json = try await droverDoes("limit --format json --store \(store)").output
                #expect(json.contains("\"up\" : 200000000") && json.contains("\"down\" : 1500000000"))
                try await droverDoes("limit --up off --down off --store \(again.store)")
                #expect(try await droverDoes("limit --store \(store)").output == "up off, down off\n")
            }
        }
    }
}
