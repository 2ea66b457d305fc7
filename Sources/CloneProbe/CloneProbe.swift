// SPDX-License-Identifier: Apache-2.0

package import CloneLayer
import Glibc
package import ToolLayer

/// Boots a clone, waits for the sign that its guest is up, and ends the machine in any case.
package struct CloneProbe: Sendable {
    package static let defaultLimit = Duration.seconds(300)
    package static let limits = Duration.seconds(1)...Duration.seconds(24 * 3600)

    /// The store's folder, by which its probes are known.
    private let store: String
    private let goal: ProbeGoal
    private let limit: Duration
    private let memory: Int
    private let tools: any ToolAccess

    /// - Parameters:
    ///   - store: the store's folder; absolute.
    ///   - limit: how long the guest has to come up.
    ///   - memory: MiB.
    package init(
        store: String, goal: ProbeGoal, limit: Duration = defaultLimit,
        memory: Int = MachineConfiguration.defaultMemory, tools: any ToolAccess
    ) {
        self.store = store
        self.goal = goal
        self.limit = limit
        self.memory = memory
        self.tools = tools
    }

    /// Blocks until it is known. Nothing of the machine is left then; the clone is the caller's to remove.
    /// - Parameters:
    ///   - isCancelled: asked several times a second.
    ///   - progress: told which part of the time has passed, 0 to 1.
    /// - Throws: `CancellationError`.
    package func run(
        _ clone: Clone, isCancelled: () -> Bool, progress: (Double) -> Void
    ) throws -> ProbeOutcome {
        let start = ContinuousClock.now
        defer { ProbeProcesses(store: store).end() }
        switch goal {
        case .command(let words):
            return try command(words, clone, since: start, isCancelled: isCancelled, progress: progress)
        case .marker, .port:
            guard let program = ProbeMachine.program else {
                return outcome(
                    .notStarted, "no machine is known for this kind of processor; probe with a command", since: start)
            }
            guard clone.backend != .vhd else { return outcome(.notStarted, VhdBackend.obstacleToQemu, since: start) }
            // A node in /dev does not show that KVM works; a machine that it fails ends before its guest says a word.
            if access("/dev/kvm", R_OK | W_OK) == 0 {
                let outcome = try boot(
                    program, clone, .kvm, since: start, isCancelled: isCancelled, progress: progress)
                if let outcome { return outcome }
            }
            return try boot(program, clone, .tcg, since: start, isCancelled: isCancelled, progress: progress)
                ?? self.outcome(.notStarted, "the machine did not start; this is a bug", since: start)
        }
    }

    /// - Returns: `nil` when KVM failed the machine.
    private func boot(
        _ program: String, _ clone: Clone, _ acceleration: ProbeMachine.Acceleration,
        since start: ContinuousClock.Instant, isCancelled: () -> Bool, progress: (Double) -> Void
    ) throws -> ProbeOutcome? {
        var marker: String?
        var watch: PortWatch?
        var port: UInt16?
        switch goal {
        case .marker(let text): marker = text
        case .port(let number):
            port = number
            watch = PortWatch(port: number)
            guard watch != nil else { return outcome(.notStarted, "no more files can be opened", since: start) }
        case .command: break
        }
        let machine = ProbeMachine(clone: clone, memory: memory, acceleration: acceleration, port: port)
        let left = limit - start.duration(to: .now)
        guard left > .zero else { return outcome(.timedOut, timeOut, since: start, machine: acceleration.rawValue) }
        let call = ToolCall(
            program, try machine.arguments, limit: left, handed: watch?.machineEnd, environment: environment(of: clone))
        var console = ProbeConsole(marker: marker)
        var isOpen = false
        var ending: ToolError?
        do throws(ToolError) {
            try tools.run(call) {
                progress(start.duration(to: .now) / limit)
                if !isOpen, let watch { isOpen = watch.isOpen() }
                return console.hasMarker || isOpen || isCancelled()
            } receive: {
                console.hear($0)
            }
        } catch {
            ending = error
        }
        func told(_ failure: ProbeOutcome.Code?, _ reason: String = "") -> ProbeOutcome {
            outcome(failure, reason, since: start, machine: acceleration.rawValue, log: console.text)
        }
        if console.hasMarker || isOpen { return told(nil) }
        let words = ending?.words.split(separator: "\n").first.map { ": \($0)" } ?? ""
        switch ending?.cause {
        case nil: return told(.failed, "the guest switched its machine off before \(goal.sign)")
        case .stopped: throw CancellationError()
        case .timedOut: return told(.timedOut, timeOut)
        case .missing, .notStarted: return told(.notStarted, "\(ending?.description ?? program)")
        case .exit, .signal, .tooMuchOutput:
            if acceleration == .kvm, console.isEmpty { return nil }
            return told(console.isEmpty ? .notStarted : .failed, "the machine ended before \(goal.sign)\(words)")
        }
    }

    private func command(
        _ words: [String], _ clone: Clone, since start: ContinuousClock.Instant, isCancelled: () -> Bool,
        progress: (Double) -> Void
    ) throws -> ProbeOutcome {
        let program = words.first ?? ""
        var console = ProbeConsole()
        var ending: ToolError?
        var said = ""
        do throws(ToolError) {
            let call = ToolCall(
                program, Array(words.dropFirst()), limit: limit, environment: environment(of: clone))
            said = try tools.run(call) {
                progress(start.duration(to: .now) / limit)
                return isCancelled()
            } receive: {
                console.hear($0)
            }.words
        } catch {
            ending = error
            said = error.words
        }
        func told(_ failure: ProbeOutcome.Code?, _ reason: String = "") -> ProbeOutcome {
            let log = [console.text, ProbeConsole.plain(said)].filter { !$0.isEmpty }.joined(separator: "\n")
            return outcome(failure, reason, since: start, machine: "command", log: log)
        }
        switch ending?.cause {
        case nil: return told(nil)
        case .stopped: throw CancellationError()
        case .timedOut: return told(.timedOut, timeOut)
        case .missing: return told(.notStarted, "there is no program \(program) that can be run")
        case .notStarted: return told(.notStarted, "\(ending?.description ?? program)")
        case .exit(let status): return told(.failed, "\(program) ended with status \(status)")
        case .signal(let number): return told(.failed, "\(program) was ended by signal \(number)")
        case .tooMuchOutput: return told(.failed, "\(program) printed too much")
        }
    }

    private var timeOut: String { "\(limit.components.seconds) s passed before \(goal.sign)" }

    /// What a command, and whatever looks for probes, finds in the environment.
    private func environment(of clone: Clone) -> [String: String] {
        [
            ProbeProcesses.storeKey: store, "DROVER_PROBE_CLONE": clone.name.text,
            "DROVER_PROBE_MASTER": "\(clone.master)", "DROVER_PROBE_DISK": clone.path,
            "DROVER_PROBE_FORMAT": clone.backend.format, "DROVER_PROBE_SEED": clone.seedImage ?? "",
        ]
    }

    private func outcome(
        _ code: ProbeOutcome.Code?, _ reason: String, since start: ContinuousClock.Instant, machine: String = "none",
        log: String = ""
    ) -> ProbeOutcome {
        ProbeOutcome(
            failure: code.map { ProbeOutcome.Failure(code: $0, reason: reason) }, took: start.duration(to: .now),
            machine: machine, log: log)
    }
}
