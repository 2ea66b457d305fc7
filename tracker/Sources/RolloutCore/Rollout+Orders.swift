// SPDX-License-Identifier: Apache-2.0

extension Rollout {
    /// What a host shall do for this rollout now; `nil` when it is none of its hosts.
    ///
    /// It is derived from the state alone. Of several rollouts of one line, the order with the greatest stamp counts as
    /// soon as it asks for more than staging.
    /// - Parameter epoch: the generation of the tracker's data.
    package func order(for name: HostName, epoch: UInt64) -> HostOrder? {
        guard let host = host(name) else { return nil }
        return HostOrder(
            stamp: HostOrder.Stamp(epoch: epoch, rollout: number, order: host.order), step: step(for: host),
            master: target.master, previous: host.previous, isProbed: isProbed(host), clearsDenial: host.clearsDenial,
            stageRatePercent: settings.stageRatePercent)
    }

    private func step(for host: HostRecord) -> HostOrder.Step {
        switch phase {
        case .draft, .planned, .awaitingApproval, .scheduled, .rejected, .aborted: .nothing
        case .staging, .canary, .rolling: host.orderedStep
        // Whoever is in the middle of it finishes or goes back, as was ordered. Nothing new begins.
        case .superseded: host.orderedStep == .stage ? .nothing : host.orderedStep
        case .rollingBack, .rolledBack: host.isExposed && host.state != .left ? .rollBack : .nothing
        case .succeeded, .succeededWithExceptions: standingStep(for: host)
        }
    }

    /// What holds after the end: hosts that come back later follow the others.
    func standingStep(for host: HostRecord) -> HostOrder.Step {
        switch host.state {
        case .deferredOffline, .pending, .staging, .verifying, .staged, .timedOut(.staging), .timedOut(.verifying):
            .activate
        default: host.orderedStep
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
