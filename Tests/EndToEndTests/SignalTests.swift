// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// Ctrl-C, SIGTERM, and a tracker that comes and goes.
    @Suite struct Interruptions {
        @Test(arguments: [false, true])
        func `an interrupted create leaves nothing`(_ isRunning: Bool) async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                if isRunning { _ = try await fleet.peer("store") }
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 256)
                let words = "master create \(image) --name base --version 1 --store \(store)"
                let create = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("the copy is being written", every: .milliseconds(2)) {
                    if create.exitStatus != nil { throw TestFailure("too late: \(create.errors)") }
                    return allocated("\(store)/partial/base@1.import") > 1 << 20
                }
                create.signal(SIGINT)
                let finished = try await create.finished(within: .seconds(10))
                #expect(finished.status == 130, "\(finished)")
                #expect(finished.errors.contains("interrupted"))
                try await eventually("nothing is left", within: .seconds(10)) {
                    try listing(store) == ["clones/", "masters/", "partial/"]
                }
                // The running peer lets go of the name a moment after the files are gone.
                try await eventually("the name is free again", within: .seconds(10)) {
                    let again = try await ChildProcess.run(
                        Program.drover, words.split(separator: " ").map(String.init))
                    guard [0, 5].contains(again.status) else { throw TestFailure("\(again)") }
                    return again.status == 0
                }
            }
        }

        @Test func `an interrupted conversion leaves nothing`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let raw = try makeImage(fleet.path("base.raw"), mebibytes: 256)
                let image = fleet.path("base.qcow2")
                try await tool("qemu-img convert -c -f raw -O qcow2 \(raw) \(image)")
                let words = "master create \(image) --name base --version 1 --store \(store)"
                let create = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("qemu-img writes", every: .milliseconds(2)) {
                    if create.exitStatus != nil { throw TestFailure("too late: \(create.errors)") }
                    return allocated("\(store)/partial/base@1.import") > 1 << 20
                }
                create.signal(SIGINT)
                let finished = try await create.finished(within: .seconds(10))
                #expect(finished.status == 130, "\(finished)")
                #expect(try listing(store) == ["clones/", "masters/", "partial/"])
                let children = try await ChildProcess.run("pgrep", ["-f", "\(store)/partial"])
                #expect(children.output.isEmpty, "qemu-img is gone")
            }
        }

        @Test func `an interrupted fetch in the foreground goes on the next time`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let store = fleet.path("host")
                let words = "master fetch base --tracker \(fleet.tracker) --store \(store)"
                let fetch = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("the fetch is on disk") { access("\(store)/partial/base@1.json", F_OK) == 0 }
                fetch.signal(SIGINT)
                let finished = try await fetch.finished(within: .seconds(10))
                #expect(finished.status == 130, "\(finished)")
                #expect(try listing("\(store)/masters").isEmpty)
                _ = try await fleet.peer("seed")
                try await droverDoes(words)
                #expect(try await areIdentical(image, "\(store)/masters/base@1.raw"))
            }
        }

        @Test func `a fetch goes on in the peer when the command that waits for it is interrupted`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let host = try await fleet.peer("host")
                let words = "master fetch base --wait --store \(host.store)"
                let fetch = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("the fetch is under way") { try await host.status().master("base@1") != nil }
                fetch.signal(SIGINT)
                #expect(try await fetch.finished(within: .seconds(10)).status == 130)
                _ = try await fleet.peer("seed")
                try await host.registered("base@1")
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a peer that is told to stop says goodbye, and serves again afterwards`(_ signal: Int32) async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let seed = try await fleet.peer("seed")
                let scrape = "curl -s --max-time 5 \(fleet.tracker)/scrape?info_hash=\(try await Self.infoHash(seed))"
                try await eventually("the seed has announced") {
                    try await tool(scrape).contains("8:completei1e")
                }
                seed.process.signal(signal)
                let finished = try await seed.process.finished(within: .seconds(10))
                #expect(finished.status == 0, "\(finished)")
                #expect(!finished.errors.contains("error"), "\(finished)")
                #expect(access("\(seed.store)/control.sock", F_OK) != 0)
                #expect(try await tool(scrape).contains("8:completei0e"), "the tracker knows that it is gone")
                _ = try await seed.restart()
                let host = try await fleet.peer("host")
                try await droverDoes("master fetch base --wait --store \(host.store)")
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }

        /// The name of base@1's swarm, as a tracker is asked for it.
        private static func infoHash(_ peer: FleetPeer) async throws -> String {
            let text = try await droverDoes("master show base@1 --format json --store \(peer.store)").output
            let digits = try #require(text.split(separator: "\"infoHashV2\" : \"").last?.prefix(40))
            return stride(from: 0, to: 40, by: 2).map { "%" + digits.dropFirst($0).prefix(2) }.joined()
        }

        @Test func `a peer that is told to stop during a fetch keeps everything it has verified`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish(
                    "base@1", in: "seed", mebibytes: 48, options: "--piece-length 262144")
                let seed = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                seed.process.signal(SIGSTOP)
                try await droverDoes("master fetch base --store \(host.store)")
                // The seed runs for moments only until some of it is there.
                let before = try await eventually("some of it has arrived") { () throws -> StatusDocument.Entry? in
                    seed.process.signal(SIGCONT)
                    usleep(5000)
                    seed.process.signal(SIGSTOP)
                    let entry = try StatusDocument.ask(store: host.store)?.master("base@1")
                    return (entry?.bytesVerified ?? 0) > 0 ? entry : nil
                }
                host.process.signal(SIGTERM)
                #expect(try await host.process.finished(within: .seconds(10)).status == 0)
                let text = try await drover("status --format json --store \(host.store)").output
                let kept = try #require(StatusDocument(json: text).master("base@1"))
                #expect(kept.bytesVerified >= before.bytesVerified)
                #expect(kept.bytesVerified < kept.size, "the fetch was not over")
                seed.process.signal(SIGCONT)
                _ = try await host.restart()
                let done = try await host.registered("base@1")
                // Near the end an extent may be asked of two.
                #expect(done.received <= done.size - kept.bytesVerified + done.size / 8)
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }

        @Test func `a status that is watched goes on until it is interrupted`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 1)
                let seed = try await fleet.peer("seed")
                let words = "status --watch --format json --store \(seed.store)"
                let watch = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                try await eventually("two reports are printed") { watch.output.split(separator: "\n").count >= 2 }
                watch.signal(SIGINT)
                let finished = try await watch.finished(within: .seconds(10))
                #expect(finished.status == 130)
                for line in finished.lines { #expect(try StatusDocument(json: line).master("base@1") != nil) }
            }
        }

        @Test func `a peer stops in time while its tracker hangs`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 1)
                let seed = try await fleet.peer("seed")
                let tracker = try fleet.startedTracker
                try await eventually("the seed has announced") {
                    try await seed.status().trackers.contains { $0.state == "ok" }
                }
                tracker.signal(SIGSTOP)
                seed.process.signal(SIGTERM)
                let finished = try await seed.process.finished(within: .seconds(10))
                #expect(finished.status == 0, "\(finished)")
            }
        }

        @Test func `a fetch survives its tracker, and status says what is wrong with it`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let host = try await fleet.peer("host")
                try await droverDoes("master fetch base --store \(host.store)")
                let tracker = try fleet.startedTracker
                tracker.signal(SIGTERM)
                try await tracker.finished(within: .seconds(10))
                let seed = try await fleet.peer("seed")
                try await eventually("the seed's status tells of the tracker") {
                    let text = try await droverDoes("status --store \(seed.store)").output
                    return text.contains(fleet.tracker) && text.contains("cannot be reached")
                }
                #expect(try await host.status().master("base@1")?.state == "fetching")
                try await fleet.startTracker()
                try await host.registered("base@1")
                #expect(try await areIdentical(image, host.master("base@1")))
            }
        }
    }
}
