// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import CloneProbe
import FileLayer
import Foundation
import Metainfo
import TestSupport
import Testing
import ToolLayer

/// Clones booted by a real qemu, and by commands, in every way that a probe may end.
@Suite(.serialized) struct CloneProbeTests {
    private let folder: TemporaryDirectory
    private let store: String

    init() throws {
        folder = try TemporaryDirectory()
        // The name is what a careless command line would choke on.
        store = "\(folder.path)/a, \"store\" it's"
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    }

    private func clone(of boot: BootSector) throws -> Clone {
        let path = "\(store)/guest@1.raw"
        try Data(boot.image).write(to: URL(filePath: path))
        let registry = try CloneRegistry(site: CloneSite(folder: "\(store)/clones", files: PosixFiles()))
        let master = try MasterImage(
            name: #require(MasterName("guest@1")), path: path, size: Int64(boot.image.count))
        let created = try registry.create(
            CloneName("probe"), of: master, backend: .only(.qcow2), identity: GuestIdentity(), isTemporary: true)
        return try #require(created.clones.first)
    }

    private func probe(_ goal: ProbeGoal, seconds: Int = 60) -> CloneProbe {
        CloneProbe(store: store, goal: goal, limit: .seconds(seconds), memory: 64, tools: PosixTools())
    }

    private var processes: [Int32] { ProbeProcesses(store: store).all }

    @Test func `a guest that says the marker passes, without a network, and its machine is gone`() throws {
        let clone = try clone(of: .says("hello\r\nthe guest is up\r\n"))
        var words = ""
        let outcome = try probe(.marker("the guest is up")).run(
            clone,
            isCancelled: {
                for process in processes {
                    words += (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
                }
                return false
            }, progress: { #expect($0 >= 0 && $0 < 1) })
        #expect(outcome.failure == nil, "\(outcome)")
        #expect(outcome.log.contains("hello\nthe guest is up"))
        #expect(["kvm", "tcg"].contains(outcome.machine))
        #expect(words.contains("-nodefaults") && !words.contains("-net") && !words.contains("-nic"))
        #expect(processes.isEmpty)
    }

    @Test func `a guest that says something else is out of time, and what it said is kept`() throws {
        let clone = try clone(of: .says("no root file system\r\n"))
        let outcome = try probe(.marker("the guest is up"), seconds: 30).run(
            clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == .timedOut)
        #expect(outcome.failure?.reason.contains("30 s passed before it printed 'the guest is up'") == true)
        #expect(outcome.log.contains("no root file system\n"), "\(outcome)")
        #expect(processes.isEmpty)
    }

    @Test func `a guest that switches its machine off has failed, long before the time is up`() throws {
        let clone = try clone(of: .switchesOff)
        let outcome = try probe(.marker("the guest is up"), seconds: 600).run(
            clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == .failed)
        #expect(outcome.failure?.reason.hasPrefix("the guest switched its machine off before") == true)
        #expect(outcome.took < .seconds(120))
    }

    @Test func `a port that nobody answers on is no sign`() throws {
        let clone = try clone(of: .says("up, and without any network card\r\n"))
        let outcome = try probe(.port(22), seconds: 30).run(clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == .timedOut, "\(outcome)")
        #expect(processes.isEmpty)
    }

    @Test func `who is told to stop stops, and the machine with it`() throws {
        let clone = try clone(of: .says("waiting\r\n"))
        var wasThere = false
        #expect(throws: CancellationError.self) {
            try probe(.marker("never")).run(
                clone,
                isCancelled: {
                    if !processes.isEmpty { wasThere = true }
                    return wasThere
                }, progress: { _ in })
        }
        #expect(wasThere && processes.isEmpty)
    }

    @Test func `a clone that cannot be opened is no machine's`() throws {
        let clone = try clone(of: .says("x"))
        try FileManager.default.removeItem(atPath: clone.path)
        let outcome = try probe(.marker("x")).run(clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == .notStarted)
        #expect(outcome.failure?.reason.contains("No such file") == true, "\(outcome)")
    }

    @Test(arguments: [(0, nil), (3, .failed)] as [(Int32, ProbeOutcome.Code?)])
    func `a command decides by its exit status, and knows the clone`(_ status: Int32, _ code: ProbeOutcome.Code?) throws
    {
        let clone = try clone(of: .says("x"))
        let script =
            "test -e \"$DROVER_PROBE_DISK\" && test -e \"$DROVER_PROBE_SEED\" || exit 9; "
            + "echo \"$1 $DROVER_PROBE_MASTER $DROVER_PROBE_FORMAT $DROVER_PROBE_CLONE\"; echo oh >&2; exit \(status)"
        let outcome = try probe(.command(["/bin/sh", "-c", script, "sh", "$HOME;"])).run(
            clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == code, "\(outcome)")
        #expect(outcome.log == "$HOME; guest@1 qcow2 probe\n\noh")
        #expect(outcome.machine == "command")
    }

    @Test func `a command that takes too long is ended with all that it started`() throws {
        let clone = try clone(of: .says("x"))
        let outcome = try probe(
            .command(["/bin/sh", "-c", "setsid sleep 600 & echo begun; exec sleep 600"]), seconds: 1
        )
        .run(clone, isCancelled: { false }, progress: { _ in })
        #expect(outcome.failure?.code == .timedOut)
        #expect(outcome.log == "begun\n")
        #expect(processes.isEmpty)
        let missing = try probe(.command(["/no/such/program"])).run(clone, isCancelled: { false }, progress: { _ in })
        #expect(missing.failure?.code == .notStarted)
    }

    @Test func `what nobody could wait for is refused`() {
        for goal: ProbeGoal in [
            .marker(""), .marker("a\nb"), .marker(String(repeating: "x", count: 2000)), .port(0), .command([]),
            .command(["sh"]), .command(["/bin/sh", "a\u{0}b"]),
        ] { #expect(goal.fault != nil, "\(goal)") }
        for goal: ProbeGoal in [.marker("login:"), .port(22), .command(["/bin/true"])] { #expect(goal.fault == nil) }
    }
}
