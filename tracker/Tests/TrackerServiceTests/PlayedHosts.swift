// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import Metainfo
import Synchronization

/// Hosts that do what they are told, and say so, until they are told to fail.
final class PlayedHosts: Sendable {
    private struct State {
        var active: [String: Int] = [:]
        var failing: Set<String> = []
        var silent: Set<String> = []
    }

    static let log = "Kernel panic - not syncing"

    let fleet: FleetService.Fleet
    private let state = Mutex(State())

    init(_ fleet: FleetService.Fleet) { self.fleet = fleet }

    /// The version that is active on a host.
    func active(_ host: String) -> Int? { state.withLock { $0.active[host] } }

    /// Has the probes of these hosts fail, and those of others pass.
    func fail(_ hosts: Set<String>) { state.withLock { $0.failing = hosts } }

    /// Says what the host has: without that nothing can be planned for it.
    @discardableResult
    func greet(_ host: String) async throws -> HostOrders {
        try await fleet.take(notice(HostOrders(tag: "", orders: [], contactSeconds: 1), host), from: host)
    }

    /// Follows orders until the surrounding task is cancelled.
    func play(_ host: String) async throws {
        var orders = try await greet(host)
        while !Task.isCancelled {
            orders = try await fleet.take(notice(orders, host), from: host)
            orders = try await fleet.orders(for: host, after: orders.tag, wait: .milliseconds(200))
        }
    }

    private func notice(_ orders: HostOrders, _ host: String) -> HostNotice {
        let reports = orders.orders.compactMap { obey($0, host) }
        let active = active(host)
        let number = host.last?.wholeNumberValue ?? 0
        return HostNotice(
            reports: reports,
            facts: HostFacts(
                program: "0.4.0", labels: ["rack": "r\(number % 2)"], freeBytes: 100 << 30, capacityBytes: 200 << 30,
                lines: [.init(name: "debian", active: active, held: active.map { [$0] } ?? [])]))
    }

    private func obey(_ order: FleetOrder, _ host: String) -> HostReport? {
        state.withLock { state in
            let version = order.master.version
            var report = HostReport(stamp: order.stamp, master: order.master, state: .staged)
            switch order.step {
            case .stage: break
            case .activate:
                report.state = state.active[host] == version ? .healthy : .activated
                state.active[host] = version
            case .probe where state.failing.contains(host):
                (report.state, report.code, report.log) = (.probeFailed, .probeFailed, Self.log)
            case .probe: report.state = .probePassed
            case .rollBack:
                report.state = .rolledBack
                state.active[host] = order.previous
            default: return nil
            }
            return report
        }
    }
}
