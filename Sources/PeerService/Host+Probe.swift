// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import CloneProbe
import FoundationEssentials
import ImageStore
import Metainfo

/// Whether a master boots: a clone of it is made for this alone, booted, awaited and removed.
extension Host {
    /// - Throws: ``HostFailure`` when there is nothing to probe, or no clone of it can be made; `CancellationError`.
    func probe(
        _ order: HostRequest.ProbeMaster, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> ProbeReport {
        let limit = order.seconds.map { Duration.seconds($0) } ?? CloneProbe.defaultLimit
        guard CloneProbe.limits.contains(limit) else {
            throw HostFailure(.usage, "a probe takes from 1 second to 24 hours; choose another --timeout")
        }
        let memory = order.memory ?? MachineConfiguration.defaultMemory
        guard MachineConfiguration.memoryRange.contains(memory) else {
            throw HostFailure(.usage, "a machine cannot have \(memory) MiB of memory; choose another --memory")
        }
        // A word that no guest says by chance, and that no earlier start of this one can have said.
        let word = "drover-probe-\(Self.randomName)"
        let goal = order.goal?.goal ?? .marker("\(word) is up")
        if let fault = goal.fault { throw HostFailure(.usage, fault) }
        guard probeTurn.take() else {
            throw HostFailure(.conflict, "another probe is running on this host; wait until it is done")
        }
        defer { probeTurn.giveBack() }
        return try await interruptible { isCancelled in
            let master = try self.find(order.master)
            try self.checkClonable(master, unsigned: order.unsigned)
            let userData = order.goal == nil ? "#cloud-config\nfinal_message: \"\(word) is up\"\n" : nil
            // Without its own wish it is what qemu opens wherever the store lies.
            var backend = try BackendChoice(order.backend ?? "auto")
            if backend == .auto, order.goal?.command == nil { backend = .only(.qcow2) }
            let clone = try self.clones.create(
                CloneName(word), of: self.image(of: master.name), backend: backend,
                identity: GuestIdentity(userData: userData.map { Array($0.utf8) }), isTemporary: true
            ).clones.first
            guard let clone else { throw HostFailure(.failed, "no clone was made; this is a bug") }
            do {
                let probe = CloneProbe(
                    store: self.store.layout.root, goal: goal, limit: limit, memory: memory, tools: self.tools)
                let outcome = try probe.run(clone, isCancelled: isCancelled) { part in
                    progress(HostProgress(phase: "probing", done: Int64(min(max(part, 0), 1) * 1000), total: 1000))
                }
                try self.clones.removeTemporary(clone.name)
                return ProbeReport(master.name, outcome)
            } catch {
                try? self.clones.removeTemporary(clone.name)
                throw error
            }
        }
    }

    private static var randomName: String {
        String(UInt32.random(in: 0x1000_0000...UInt32.max), radix: 16)
    }

    /// Ends machines and removes clones of probes that a killed process has left behind.
    func clearProbes() -> [CloneError] {
        guard clones.hasAbandoned else { return [] }
        ProbeProcesses(store: store.layout.root).end()
        return clones.removeAbandoned()
    }
}

extension HostRequest {
    /// Boots a clone of a master that is made for this alone.
    package struct ProbeMaster: Codable, Sendable {
        /// What is awaited; exactly one is set.
        package struct Goal: Codable, Sendable {
            package var marker: String?
            package var port: UInt16?
            package var command: [String]?

            package init(marker: String? = nil, port: UInt16? = nil, command: [String]? = nil) {
                self.marker = marker
                self.port = port
                self.command = command
            }

            /// The first that is set; an empty marker, which is refused, when none is.
            var goal: ProbeGoal {
                if let command { .command(command) } else if let port { .port(port) } else { .marker(marker ?? "") }
            }
        }

        package var master: MasterReference
        /// `nil` for the last message of the guest's cloud-init.
        package var goal: Goal?
        /// How long the guest has to come up.
        package var seconds: Int?
        /// MiB.
        package var memory: Int?
        package var backend: String?
        /// Whether nobody needs to have signed the master.
        package var unsigned: Bool

        package init(
            master: MasterReference, goal: Goal?, seconds: Int? = nil, memory: Int? = nil, backend: String? = nil,
            unsigned: Bool = false
        ) {
            self.master = master
            self.goal = goal
            self.seconds = seconds
            self.memory = memory
            self.backend = backend
            self.unsigned = unsigned
        }
    }
}

extension HostRequest {
    /// How this host probes whichever master a rollout wants probed.
    package struct RolloutProbe: Sendable {
        package var goal: ProbeMaster.Goal?
        package var seconds: Int?
        /// MiB.
        package var memory: Int?

        package init(goal: ProbeMaster.Goal? = nil, seconds: Int? = nil, memory: Int? = nil) {
            self.goal = goal
            self.seconds = seconds
            self.memory = memory
        }

        func of(_ master: MasterName) -> ProbeMaster {
            ProbeMaster(master: MasterReference(master), goal: goal, seconds: seconds, memory: memory)
        }
    }
}

extension HostFailure {
    /// The reason code of a guest that was not up in time.
    package static let probeTimedOut = ProbeOutcome.Code.timedOut.rawValue
}

/// What booting a clone of a master came to.
package struct ProbeReport: Codable, Equatable, Sendable {
    /// `NAME@VERSION`.
    package var master: String
    package var passed: Bool
    /// `probe-not-started`, `probe-failed` or `probe-timed-out`.
    package var code: String?
    /// One sentence that says what happened.
    package var reason: String?
    package var seconds: Double
    /// What ran the guest's processor, `kvm` or `tcg`; or `command`.
    package var machine: String
    /// The last of what the guest said on its serial console, when it did not come up.
    package var log: String?

    init(_ master: MasterName, _ outcome: ProbeOutcome) {
        self.master = "\(master)"
        passed = outcome.failure == nil
        code = outcome.failure?.code.rawValue
        reason = outcome.failure?.reason
        seconds = (outcome.took.milliseconds).rounded() / 1000
        machine = outcome.machine
        log = outcome.failure == nil ? nil : outcome.log
    }
}
