// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Whether masters boot, and clones of old ones that are put on the active one.
    @Suite struct Probes {
        private func master(_ name: String, _ boot: BootSector, in store: String, _ fleet: Fleet) async throws {
            let path = fleet.path("\(name).raw")
            try writeFile(boot.image, to: path)
            let parts = name.split(separator: "@")
            try await droverDoes("master create \(path) --name \(parts[0]) --version \(parts[1]) --store \(store)")
        }

        /// Processes that belong to a probe of the store.
        private func machines(_ store: String) async throws -> [pid_t] {
            let found = try await ChildProcess.run(
                "sh", ["-c", "grep -lzx 'DROVER_PROBE_STORE=\(store)' /proc/[0-9]*/environ 2>/dev/null"])
            return found.lines.compactMap { pid_t($0.split(separator: "/")[1]) }
        }

        /// Waits for a machine that stays: where KVM does not work the first one ends by itself.
        private func stays(_ store: String) async throws {
            var (last, looks) = ([pid_t](), 0)
            try await eventually("a machine stays") {
                let found = try await machines(store)
                looks = found == last ? looks + 1 : 0
                last = found
                return !found.isEmpty && looks > 50
            }
        }

        private func isClean(_ store: String) throws -> Bool {
            try listing("\(store)/clones").allSatisfy { $0.hasPrefix("journal ") }
        }

        @Test func `a probe says whether a master boots, with and without a peer, and leaves nothing`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                try await master("good@1", .says("hello\r\nup and running\r\n"), in: store, fleet)
                try await master("bad@1", .switchesOff, in: store, fleet)
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    let good = try await tool(
                        Program.drover,
                        ["clone", "probe", "good", "--marker", "up and running", "--store", store, "--format", "json"])
                    #expect(good.contains("\"passed\" : true") && !good.contains("\"log\""))
                    let late = try await drover(
                        "clone probe good@1 --marker never --timeout 30s --quiet --store \(store)")
                    #expect(late.status == 7 && late.output.contains("up and running"), "\(late)")
                    expectOneSentence(late.errors, saying: "30 s passed before it printed 'never'")
                    let bad = try await drover("clone probe bad --timeout 5m --store \(store) --format json")
                    #expect(bad.status == 8 && bad.output.contains("\"code\" : \"probe-failed\""), "\(bad)")
                    expectOneSentence(bad.errors, saying: "switched its machine off")
                    let told = try await drover(
                        "clone probe bad --store \(store) --command /bin/false --store elsewhere")
                    #expect(told.status == 8, "\(told)")
                    try await droverDoes("clone probe bad --store \(store) --command /bin/true --store elsewhere")
                    for (words, status) in [
                        ("good --marker x --port 1", 2), ("good --port 70000", 2), ("good --timeout never", 2),
                        ("none", 3), ("good --memory 1", 2), ("good --backend vhd", 8),
                    ] as [(String, Int32)] {
                        let refused = try await drover("clone probe \(words) --store \(store)")
                        #expect(refused.status == status, "\(refused)")
                    }
                    try await droverRefuses(
                        "clone probe good --store \(store) --command true", with: 2, saying: "absolute path")
                    #expect(try isClean(store))
                    #expect(try await droverDoes("clone list --quiet --store \(store)").lines.count == 1)
                    peer?.process.kill()
                }
                #expect(try await machines(store).isEmpty)
            }
        }

        @Test func `a probe is ended by Ctrl-C, and after a kill by the next start`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                try await master("good@1", .says("hello\r\n"), in: store, fleet)
                let words = ["clone", "probe", "good", "--marker", "never", "--store", store]
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    let probe = try fleet.start(Program.drover, words)
                    try await eventually("a machine runs") { try await !machines(store).isEmpty }
                    probe.signal(SIGINT)
                    #expect(try await probe.finished().status == 130)
                    try await eventually("the machine is gone") { try await machines(store).isEmpty }
                    try await eventually("the clone is gone") { try isClean(store) }

                    let other = try fleet.start(Program.drover, words)
                    try await stays(store)
                    (peer?.process ?? other).signal(SIGKILL)
                    _ = try await other.finished()
                    #expect(try await !machines(store).isEmpty, "it ended by itself, so that nothing is shown")
                    try await droverDoes("master list --store \(store)")
                    #expect(try await machines(store).isEmpty && isClean(store))
                }
            }
        }

        @Test func `stopped clones are put on the active version and running ones left`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                for version in 1...2 { try await master("web@\(version)", .says("\(version)"), in: store, fleet) }
                try await droverDoes("master activate web@1 --store \(store)")
                try await droverDoes("clone create web vm --count 3 --hostname vm --store \(store)")
                try await droverDoes("clone create web plain --backend copy --store \(store)")
                try await droverDoes("master activate web@2 --store \(store)")
                let before = try await droverDoes("clone show vm-1 --store \(store)").output
                let machine = try await VirtualMachine(
                    fleet, disk: "\(store)/clones/vm-2.qcow2", format: "qcow2")
                let planned = try await droverDoes("clone refresh --stopped web --dry-run --store \(store)")
                #expect(planned.lines.count == 5 && planned.output.contains("would be refreshed"), "\(planned)")
                #expect(try await droverDoes("clone show vm-1 --store \(store)").output == before)
                try await droverRefuses("clone refresh web --store \(store)", with: 2, saying: "--stopped")
                try await droverRefuses("clone refresh --stopped none --store \(store)", with: 3)

                let peer = try await fleet.peer("store")
                let done = try await droverDoes("clone refresh --stopped web --store \(store)")
                #expect(done.lines.filter { $0.hasSuffix(" refreshed") }.count == 3, "\(done)")
                #expect(done.lines.filter { $0.hasSuffix(" running") }.map { $0.prefix(4) } == ["vm-2"], "\(done)")
                #expect(done.errors.contains("1 running clone was left"), "\(done)")
                #expect(
                    try await droverDoes("clone show vm-1 --store \(store)").output
                        == before.replacing("web@1", with: "web@2"))
                let masters = try await droverDoes("master list --format json --store \(store)").output
                #expect(masters.contains("\"vm-2\""))
                try await droverRefuses("master remove web@1 --force --store \(store)", with: 5, saying: "vm-2")
                machine.kill()
                try await droverDoes("clone refresh --stopped web --quiet --store \(store)")
                #expect(
                    try await droverDoes("clone list --store \(store)").lines.filter { $0.contains("web@2") }.count == 4
                )
                #expect(try await droverDoes("clone refresh --stopped web --store \(store)").output.isEmpty)
                peer.process.kill()
            }
        }
    }
}
