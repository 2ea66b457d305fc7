// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetProtocol
import Foundation
import Metainfo
import Testing

/// What a host makes of its orders, with a store that is a few numbers.
@Suite struct FleetAgentTests {
    /// A host: its agent, restarted from its JSON before every event, and its store.
    private struct Rig {
        var agent = FleetAgent()
        var view = LineView(active: 3, held: [3: "3"])
        private(set) var number: UInt64 = 0

        mutating func hear(_ event: AgentEvent) throws -> [AgentEffect] {
            agent = try JSONDecoder().decode(FleetAgent.self, from: JSONEncoder().encode(agent))
            return agent.handle(event) { [view] _ in view }
        }

        mutating func order(
            _ step: FleetOrder.Step, _ version: Int = 4, probed: Bool = false, clears: Bool = false,
            epoch: String = "one"
        ) throws -> [AgentEffect] {
            number += 1
            return try hear(
                .ordered(
                    HostOrders(
                        tag: "t",
                        orders: [try make(step, version, probed: probed, clears: clears, epoch: epoch, number: number)],
                        contactSeconds: 60)))
        }

        func make(
            _ step: FleetOrder.Step, _ version: Int = 4, probed: Bool = false, clears: Bool = false,
            epoch: String = "one", number: UInt64
        ) throws -> FleetOrder {
            FleetOrder(
                stamp: OrderStamp(epoch: epoch, rollout: 1, order: number), step: step,
                master: try #require(MasterName(name: "debian", version: version)), infoHash: "\(version)", previous: 3,
                isProbed: probed, clearsDenial: clears)
        }

        mutating func went(_ outcome: AgentEvent.Outcome) throws -> [AgentEffect] {
            let stamp = try #require(agent.lines["debian"]?.order.stamp)
            switch outcome {
            case .staged: view.held[4] = "4"
            case .activated: view.active = 4
            case .rolledBack:
                view.active = 3
                view.denied.insert(4)
            default: break
            }
            return try hear(.went(line: "debian", stamp, outcome))
        }

        var state: HostReport.State? { agent.reports.first?.state }
        var phase: LineOrder.Phase? { agent.lines["debian"]?.phase }
    }

    private func names(_ effects: [AgentEffect]) -> [String] {
        effects.map {
            switch $0 {
            case .stage: "stage"
            case .activate: "activate"
            case .probe: "probe"
            case .rollBack: "roll back"
            case .stop: "stop"
            case .report: "report"
            }
        }
    }

    @Test func `a host stages, activates, is well, and says each of it`() throws {
        var rig = Rig()
        #expect(names(try rig.order(.stage)) == ["stage", "report"])
        _ = try rig.went(.staging(bytes: 7))
        #expect(rig.agent.reports.first?.bytes == 7 && rig.state == .staging)
        _ = try rig.went(.verifying)
        #expect(rig.state == .verifying)
        #expect(names(try rig.went(.staged)) == ["report"] && rig.state == .staged)
        #expect(names(try rig.order(.activate)) == ["activate", "report"] && rig.state == .activating)
        #expect(names(try rig.went(.activated)) == ["report"] && rig.state == .activated)
        #expect(names(try rig.hear(.looked)) == ["report"] && rig.state == .healthy)
        #expect(try rig.hear(.looked).isEmpty)
        #expect(rig.agent.reports.first?.stamp.order == rig.number)
    }

    @Test func `a canary probes after it has activated, and is well once the tracker knows`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3", 4: "4"]))
        #expect(names(try rig.order(.activate, probed: true)) == ["activate", "report"])
        #expect(names(try rig.went(.activated)) == ["probe", "report"] && rig.state == .activated)
        // The order to await the probe finds it under way.
        #expect(names(try rig.order(.probe, probed: true)) == ["probe", "report"])
        #expect(names(try rig.went(.probed)) == ["report"] && rig.state == .probePassed)
        #expect(names(try rig.order(.activate)) == ["report"] && rig.state == .healthy)
    }

    @Test func `a probe that fails is told with its reason, and the way back denies the version`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3", 4: "4"]))
        _ = try rig.order(.activate, probed: true)
        _ = try rig.went(.activated)
        _ = try rig.went(.failed(.probeTimedOut, log: "no root"))
        let report = try #require(rig.agent.reports.first)
        #expect(report.state == .probeFailed && report.code == .probeTimedOut && report.log == "no root")
        #expect(names(try rig.order(.rollBack)) == ["roll back", "report"])
        _ = try rig.went(.rolledBack)
        #expect(rig.state == .rolledBack)
        // It is not tried again before an operator says so.
        #expect(names(try rig.order(.activate)) == ["report"] && rig.state == .rolledBack)
        #expect(names(try rig.order(.activate, clears: true)) == ["activate", "report"])
    }

    @Test func `an order to activate what is not there stages it first`() throws {
        var rig = Rig()
        #expect(names(try rig.order(.activate)) == ["stage", "report"] && rig.state == .activating)
        #expect(names(try rig.went(.staged)) == ["activate"])
        _ = try rig.went(.activated)
        #expect(rig.state == .activated)
    }

    @Test(arguments: [FleetOrder.Step.stage, .activate, .rollBack])
    func `a host that was restarted in the middle of a step goes on with it, without a tracker`(
        _ step: FleetOrder.Step
    ) throws {
        var rig = Rig()
        let begun = try rig.order(step).filter { $0 != .report }
        #expect(try rig.hear(.started) == begun)
        // It may have done the step and not have heard of it.
        rig.view.held[4] = "4"
        let again = names(try rig.hear(.started))
        #expect(again == (step == .activate ? ["activate"] : names(begun)))
    }

    @Test func `the same order twice and an older one change nothing`() throws {
        var rig = Rig()
        _ = try rig.order(.stage)
        _ = try rig.order(.activate)
        let kept = rig.agent
        for number in [UInt64(2), 1] {
            let order = try rig.make(.stage, number: number)
            #expect(try rig.hear(.ordered(HostOrders(tag: "", orders: [order], contactSeconds: 60))).isEmpty)
        }
        #expect(rig.agent == kept)
        // What an order that no longer stands came to is history.
        let old = try rig.make(.stage, number: 1)
        #expect(try rig.hear(.went(line: "debian", old.stamp, .failed(.noSpace, log: nil))).isEmpty)
    }

    @Test func `a newer version stops what is under way for the older one`() throws {
        var rig = Rig()
        _ = try rig.order(.stage, 4)
        #expect(names(try rig.order(.stage, 5)) == ["stop", "stage", "report"])
        #expect(rig.agent.reports.map(\.master.version) == [5])
        #expect(names(try rig.order(.nothing, 5)) == ["stop", "report"])
        #expect(rig.agent.reports.isEmpty)
    }

    @Test func `a tracker that was restored from a backup is noticed and not obeyed`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3", 4: "4"]))
        _ = try rig.order(.activate)
        _ = try rig.went(.activated)
        let before = rig.agent.lines
        #expect(names(try rig.order(.rollBack, epoch: "two")) == ["report"])
        #expect(rig.agent.lines == before && rig.agent.strangeEpoch == "two")
        #expect(rig.agent.reports.map(\.state) == [.refused] && rig.agent.reports.first?.code == .epochChanged)
        // It goes on with what it has, and with the old tracker's next order.
        #expect(names(try rig.order(.activate)) == ["report"] && rig.state == .healthy)
        _ = try rig.order(.rollBack, epoch: "two")
        // Somebody has looked at it and says that the new data count.
        _ = try rig.hear(.epochConfirmed)
        #expect(names(try rig.order(.rollBack, epoch: "two")) == ["roll back", "report"])
        #expect(names(try rig.order(.activate, epoch: "one")) == ["report"] && rig.agent.strangeEpoch == "one")
    }

    @Test func `a rollback by hand is told, and no repeated order undoes it`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3", 4: "4"]))
        _ = try rig.order(.activate)
        _ = try rig.went(.activated)
        rig.view.active = 3
        rig.view.denied = [4]
        #expect(names(try rig.hear(.looked)) == ["report"] && rig.state == .rolledBack)
        let same = try rig.make(.activate, number: rig.number)
        #expect(try rig.hear(.ordered(HostOrders(tag: "", orders: [same], contactSeconds: 60))).isEmpty)
        #expect(try rig.hear(.started).isEmpty && rig.state == .rolledBack)
        #expect(names(try rig.order(.activate)) == ["report"] && rig.state == .rolledBack)
    }

    @Test func `what this host went back from is not staged again, and a step it does not know is refused`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3"], denied: [4]))
        #expect(names(try rig.order(.stage)) == ["report"])
        #expect(rig.state == .failed && rig.agent.reports.first?.code == .denied)
        #expect(names(try rig.order(.stage, clears: true)) == ["stage", "report"])
        #expect(names(try rig.order(.init(rawValue: "dance"))) == ["stop", "report"])
        #expect(rig.state == .refused && rig.agent.reports.first?.code == .unknownOrder)
    }

    @Test func `a version that is lost after it was activated is said to be damaged`() throws {
        var rig = Rig(view: LineView(active: 3, held: [3: "3", 4: "4"]))
        _ = try rig.order(.activate)
        _ = try rig.went(.activated)
        rig.view.held = [3: "3"]
        _ = try rig.hear(.looked)
        #expect(rig.state == .failed && rig.agent.reports.first?.code == .masterDamaged)
    }

    @Test func `lines that the tracker speaks of no more make room for others, unless something is under way`() throws {
        var agent = FleetAgent()
        var held: [Int: String] = [:]
        func hear(_ lines: some Sequence<Int>) throws -> [String] {
            let orders = try lines.map { number in
                FleetOrder(
                    stamp: OrderStamp(epoch: "one", rollout: 1, order: UInt64(number)), step: .stage,
                    master: try #require(MasterName(name: "line-\(number)", version: 1)), infoHash: "1", previous: nil)
            }
            let effects = agent.handle(.ordered(HostOrders(tag: "t", orders: orders, contactSeconds: 60))) { _ in
                LineView(held: held)
            }
            return names(effects)
        }
        let all = 1...FleetLimits.lines
        #expect(try hear(all).count == FleetLimits.lines + 1)
        // Each of them is still being fetched.
        #expect(try hear([1000]).isEmpty && agent.lines["line-1000"] == nil)
        for number in [7, 9] {
            let stamp = OrderStamp(epoch: "one", rollout: 1, order: UInt64(number))
            _ = agent.handle(.went(line: "line-\(number)", stamp, .staged)) { _ in LineView(held: [1: "1"]) }
        }
        held = [:]
        // The tracker still speaks of the older one of the two.
        #expect(try hear([7, 1000]) == ["stage", "report"])
        #expect(agent.lines["line-1000"] != nil && agent.lines["line-7"] != nil && agent.lines["line-9"] == nil)
        #expect(agent.lines.count == FleetLimits.lines)
    }
}
