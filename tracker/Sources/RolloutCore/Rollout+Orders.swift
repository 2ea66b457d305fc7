// SPDX-License-Identifier: Apache-2.0

extension Rollout {
    /// What a host shall do for this rollout now; `nil` when it is none of its hosts, or the rollout never began.
    ///
    /// It is derived from the state alone. ``HostOrder/standing(among:)`` says which one counts where there are several
    /// rollouts of a line.
    package func order(for name: HostName) -> HostOrder? {
        guard hasBegun, let host = host(name) else { return nil }
        return HostOrder(
            stamp: HostOrder.Stamp(epoch: epoch, rollout: number, order: host.order), step: step(for: host),
            master: target.master, previous: host.previous, isProbed: isProbed(host), clearsDenial: host.clearsDenial,
            stageRatePercent: settings.stageRatePercent, isExposed: host.isExposed)
    }

    private func step(for host: HostRecord) -> HostOrder.Step {
        let step = wishedStep(for: host)
        // What its publishers have withdrawn goes nowhere any more.
        return isRevoked && step != .rollBack ? .nothing : step
    }

    private func wishedStep(for host: HostRecord) -> HostOrder.Step {
        let ordered = host.orderedStep(isHeld: holdsActivation)
        return switch phase {
        case .draft, .planned, .awaitingApproval, .scheduled, .rejected, .aborted: .nothing
        case .staging, .canary, .rolling: ordered
        // Whoever is in the middle of it finishes or goes back, as was ordered. Nothing new begins.
        case .superseded: ordered == .stage ? .nothing : ordered
        case .rollingBack, .rolledBack: ordered == .rollBack ? .rollBack : .nothing
        case .succeeded, .succeededWithExceptions:
            // Hosts that come back after the end follow the others, as long as nothing outside holds activation.
            follows(host) ? (holds.isEmpty ? .activate : .nothing) : ordered
        }
    }

    /// Whether something from outside holds what comes now. A window is about activation, and images are fetched at any time;
    /// what nobody vouches for any more is not fetched either.
    func isHeld(by hold: PauseReason) -> Bool { hold != .windowClosed || phase == .canary || phase == .rolling }

    /// Whether activation is held: by somebody, by the rollout itself, or from outside.
    var holdsActivation: Bool { pause != nil || !holds.isEmpty }

    /// Whether a host has yet to follow the others once the rollout has ended.
    func follows(_ host: HostRecord) -> Bool {
        switch host.state {
        case .deferredOffline, .pending, .staging, .verifying, .staged, .timedOut(.staging), .timedOut(.verifying):
            !host.isExposed
        default: false
        }
    }

    private func isProbed(_ host: HostRecord) -> Bool {
        switch host.state {
        case .activating, .probing, .timedOut(.activating), .timedOut(.probing): phase.isForward && hasProbe(host)
        default: false
        }
    }

    /// Whether a host boots a probe clone before it counts as active.
    func hasProbe(_ host: HostRecord) -> Bool {
        settings.probing == .everyHost || (settings.probing == .canaries && host.wave == 0)
    }
}
