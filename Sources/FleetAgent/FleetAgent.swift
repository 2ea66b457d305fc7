// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import Metainfo

/// Every decision of a host about the orders it gets: events go in with what the store says, effects come out. Its state is
/// written to disk before an effect is carried out, so that the host goes on from there with the tracker gone.
package struct FleetAgent: Codable, Equatable, Sendable {
    /// Which tracker's data are followed; the first that gave an order.
    package private(set) var epoch: String?
    /// Another epoch that was seen since, and is not obeyed.
    package private(set) var strangeEpoch: String?
    package private(set) var lines: [String: LineOrder] = [:]
    /// What is told of orders that are not obeyed because their epoch is strange, by line.
    private var refusals: [String: HostReport] = [:]

    package init() {}

    /// What the tracker is told, by line.
    package var reports: [HostReport] {
        lines.compactMapValues(\.report).merging(refusals) { $1 }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// - Parameter view: what the store says of a line now.
    package mutating func handle(_ event: AgentEvent, view: (String) -> LineView) -> [AgentEffect] {
        let before = durable.reports
        var effects: [AgentEffect] = []
        switch event {
        case .started: for line in lines.keys.sorted() { effects += go(on: line, view(line)) }
        case .ordered(let orders):
            let wanted = orders.orders.prefix(FleetLimits.lines)
            let names = Set(wanted.map(\.master.name))
            for order in wanted { effects += take(order, view(order.master.name), besides: names) }
        case .epochConfirmed:
            guard let strange = strangeEpoch else { break }
            epoch = strange
            strangeEpoch = nil
            refusals = [:]
        case .went(let line, let stamp, let outcome):
            guard lines[line]?.order.stamp == stamp else { break }
            effects += note(outcome, of: line)
        case .looked: for line in lines.keys.sorted() { look(at: line, view(line)) }
        }
        // How many bytes have come in is told with the next sign of life.
        if durable.reports != before { effects.append(.report) }
        return effects
    }

    /// What must survive a restart: all but how many bytes have come in, which is found out again.
    package var durable: FleetAgent {
        var kept = self
        for line in lines.keys { kept.lines[line]?.report?.bytes = nil }
        return kept
    }

    // MARK: Orders

    /// - Parameter names: all lines that the tracker's answer is about.
    private mutating func take(_ order: FleetOrder, _ view: LineView, besides names: Set<String>) -> [AgentEffect] {
        let line = order.master.name
        if let epoch, epoch != order.stamp.epoch {
            // Nothing tells whether the tracker is older or newer than what this host has done.
            strangeEpoch = order.stamp.epoch
            guard refusals[line] != nil || refusals.count < FleetLimits.lines else { return [] }
            refusals[line] = HostReport(
                stamp: order.stamp, master: order.master, state: .refused, code: .epochChanged)
            return []
        }
        epoch = order.stamp.epoch
        refusals[line] = nil
        let kept = lines[line]
        switch order.stamp.novelty(after: kept?.order.stamp) {
        case .newer: break
        case .same: return refine(line, order, view)
        case .older: return []
        // What was kept is of an epoch that somebody has given up since.
        case .otherEpoch: break
        }
        // What waits for a place is ordered again with the tracker's next answer.
        guard kept != nil || makeRoom(besides: names) else { return [] }
        lines[line] = LineOrder(order)
        guard let kept else { return begin(line, view) }
        guard kept.order.master == order.master, kept.order.infoHash == order.infoHash else {
            return (kept.isUnderWay ? [.stop(line: line)] : []) + begin(line, view)
        }
        // What was done for the same version need not be done again.
        lines[line]?.phase = kept.phase
        return begin(line, view)
    }

    /// Forgets the oldest of the lines that the tracker speaks of no more and for which nothing is under way, when there are
    /// too many. The store goes on knowing what of it is active, and what was gone back from.
    /// - Returns: whether there is a place for another line.
    private mutating func makeRoom(besides names: Set<String>) -> Bool {
        guard lines.count >= FleetLimits.lines else { return true }
        let oldest = lines.filter { !names.contains($0.key) && !$0.value.isUnderWay }
            .min { $0.value.order.stamp.order < $1.value.order.stamp.order }
        guard let oldest else { return false }
        lines[oldest.key] = nil
        return true
    }

    /// The order that is kept, said more precisely: while a host activates and probes, the tracker says under one number what
    /// it knows of that. It is no new attempt.
    private mutating func refine(_ line: String, _ order: FleetOrder, _ view: LineView) -> [AgentEffect] {
        let activation: [FleetOrder.Step] = [.activate, .probe]
        guard let kept = lines[line], order != kept.order, order.master == kept.order.master,
            order.infoHash == kept.order.infoHash,
            order.step == kept.order.step || (activation.contains(order.step) && activation.contains(kept.order.step))
        else { return [] }
        lines[line]?.order = order
        guard activation.contains(order.step), kept.wasActivated else { return [] }
        return begin(line, view)
    }

    /// A new order has come.
    private mutating func begin(_ line: String, _ view: LineView) -> [AgentEffect] {
        guard let kept = lines[line] else { return [] }
        let order = kept.order
        func stop() -> [AgentEffect] { kept.isUnderWay ? [.stop(line: line)] : [] }
        switch order.step {
        case .stage:
            if kept.phase == .staging { return continuing(line) }
            return stop() + stage(line, view)
        case .activate, .probe:
            switch kept.phase {
            case .probing where order.isProbed || order.step == .probe: return continuing(line)
            case .probed where order.isProbed || order.step == .probe:
                tell(line, .probePassed)
                return []
            case .active, .probed, .probing:
                set(line, .active, .healthy)
                return stop()
            case .rolledBack where refusal(order, view) != nil:
                // Somebody on this host went back before this order was given; it counts until its denial is cleared.
                tell(line, .rolledBack)
                return []
            default:
                return (kept.phase == .staging ? [] : stop()) + activate(line, view)
            }
        case .rollBack:
            set(line, .rollingBack, nil)
            return stop() + [.rollBack(order)]
        case .nothing:
            set(line, .idle, nil)
            return stop()
        default:
            set(line, .refused, .refused, .unknownOrder)
            return stop()
        }
    }

    /// What is under way serves the new order as well, and reports to it from now on.
    private mutating func continuing(_ line: String) -> [AgentEffect] {
        guard let order = lines[line]?.order else { return [] }
        switch lines[line]?.phase {
        case .staging:
            tell(line, .staging)
            return [.stage(order)]
        case .probing:
            tell(line, .activated)
            return [.probe(order)]
        default: return []
        }
    }

    private mutating func stage(_ line: String, _ view: LineView) -> [AgentEffect] {
        guard let order = lines[line]?.order else { return [] }
        if let refusal = refusal(order, view) {
            set(line, .failed, .failed, refusal)
            return []
        }
        switch view.held[order.master.version] {
        case nil:
            set(line, .staging, .staging)
            return [.stage(order)]
        case order.infoHash: set(line, .staged, .staged)
        case .some: refuseOther(line)
        }
        return []
    }

    private mutating func activate(_ line: String, _ view: LineView) -> [AgentEffect] {
        guard let order = lines[line]?.order else { return [] }
        if let refusal = refusal(order, view) {
            set(line, .failed, .failed, refusal)
            return []
        }
        switch view.held[order.master.version] {
        case nil:
            set(line, .activating, .activating)
            return [.stage(order)]
        case order.infoHash:
            set(line, .activating, .activating)
            return [.activate(order)]
        case .some:
            refuseOther(line)
            return []
        }
    }

    /// The name is taken by other content, which somebody on this host has put there.
    private mutating func refuseOther(_ line: String) {
        guard let master = lines[line]?.order.master else { return }
        set(
            line, .failed, .failed, .registerFailed,
            "\(master) is on this host already with other content than was ordered; remove it there")
    }

    /// Why this host may not have the version at all.
    private func refusal(_ order: FleetOrder, _ view: LineView) -> ReasonCode? {
        view.denied.contains(order.master.version) && !order.clearsDenial ? .denied : nil
    }

    // MARK: Steps

    private mutating func note(_ outcome: AgentEvent.Outcome, of line: String) -> [AgentEffect] {
        guard let kept = lines[line] else { return [] }
        let order = kept.order
        switch (outcome, kept.phase) {
        case (.staging(let bytes), .staging):
            tell(line, .staging)
            lines[line]?.report?.bytes = bytes
        case (.verifying, .staging): tell(line, .verifying)
        case (.staged, .staging): set(line, .staged, .staged)
        case (.staged, .activating): return [.activate(order)]
        case (.activated, .activating):
            guard order.isProbed || order.step == .probe else {
                set(line, .active, .activated)
                return []
            }
            set(line, .probing, .activated)
            return [.probe(order)]
        case (.probed, .probing): set(line, .probed, .probePassed)
        case (.rolledBack, .rollingBack): set(line, .rolledBack, .rolledBack)
        case (.failed(let code, let log), .staging), (.failed(let code, let log), .activating),
            (.failed(let code, let log), .rollingBack):
            set(line, .failed, .failed, code, log)
        case (.failed(let code, let log), .probing): set(line, .failed, .probeFailed, code, log)
        default: break
        }
        return []
    }

    /// After a restart each step is begun again; each of them may be done twice.
    private mutating func go(on line: String, _ view: LineView) -> [AgentEffect] {
        guard let kept = lines[line] else { return [] }
        switch kept.phase {
        case .staging: return [.stage(kept.order)]
        case .activating: return activate(line, view)
        case .probing: return [.probe(kept.order)]
        case .rollingBack: return [.rollBack(kept.order)]
        case .active, .probed:
            look(at: line, view)
            return []
        case .idle, .staged, .rolledBack, .failed, .refused: return []
        }
    }

    /// What was done may have been undone by somebody on this host, whose word counts until a newer order.
    private mutating func look(at line: String, _ view: LineView) {
        guard let kept = lines[line] else { return }
        let version = kept.order.master.version
        if kept.wasActivated {
            if view.active != version {
                let isBack = view.denied.contains(version) || view.active == kept.order.previous
                if isBack { set(line, .rolledBack, .rolledBack) } else { set(line, .failed, .failed, .activateFailed) }
            } else if view.held[version] != kept.order.infoHash {
                set(line, .failed, .failed, .masterDamaged)
            } else if kept.phase == .active, kept.report?.state == .activated {
                tell(line, .healthy)
            }
        } else if kept.phase == .staged, view.held[version] != kept.order.infoHash {
            set(line, .failed, .failed, .notStaged)
        }
    }

    private mutating func set(
        _ line: String, _ phase: LineOrder.Phase, _ state: HostReport.State?, _ code: ReasonCode? = nil,
        _ log: String? = nil
    ) {
        lines[line]?.phase = phase
        lines[line]?.report = nil
        if let state { tell(line, state, code, log) }
    }

    private mutating func tell(
        _ line: String, _ state: HostReport.State, _ code: ReasonCode? = nil, _ log: String? = nil
    ) {
        guard let order = lines[line]?.order else { return }
        lines[line]?.report = HostReport(
            stamp: order.stamp, master: order.master, state: state, code: code, log: log)
    }
}
