// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetIdentity
import ImageStore

/// What a host does about its orders while no peer runs.
extension Host {
    private var orders: (record: OrderRecord, fleet: String)? {
        enrolment.membership.map { membership in
            let fleet = membership.identity.anchor.fingerprint
            return (OrderRecord(store.layout, files, fleet: fleet), fleet)
        }
    }

    /// - Returns: `nil` when the host is enrolled nowhere.
    func ordersReport() throws -> OrdersReport? {
        try orders.map { OrdersReport(try $0.record.load(), fleet: $0.fleet) }
    }

    func trustEpoch(_ epoch: String?) throws -> OrdersReport {
        guard let orders else { throw HostFailure.notEnrolled }
        var agent = try orders.record.load()
        let before = agent.epoch
        try agent.checkStrange(epoch)
        try audit.add("fleet.epoch", orders.fleet, before: before, after: agent.strangeEpoch)
        _ = agent.handle(.epochConfirmed) { _ in LineView() }
        try orders.record.save(agent)
        return OrdersReport(agent, fleet: orders.fleet)
    }
}

extension HostFailure {
    static let notEnrolled = HostFailure(.notFound, "this host is enrolled in no fleet (`drover host enrol`)")
}
