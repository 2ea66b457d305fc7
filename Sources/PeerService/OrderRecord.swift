// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FleetAgent
import FoundationEssentials
import ImageStore

/// What a host was ordered and how far it is, in the store's file `orders.json`, replaced as a whole before anything is done.
struct OrderRecord: Sendable {
    private static let format = 1
    private static let sizeLimit = 32 << 20

    private struct Kept: Codable {
        var format: Int
        var fleet: String
        var agent: FleetAgent
    }

    private let path: String
    private let fleet: String
    private let files: any FileAccess

    /// - Parameter fleet: whose orders these are; what another fleet ordered is nothing to this one.
    init(_ layout: StoreLayout, _ files: any FileAccess, fleet: String) {
        path = layout.orders
        self.fleet = fleet
        self.files = files
    }

    /// - Throws: ``HostFailure`` when there is something that cannot be read: a host must not forget what it was ordered.
    func load() throws(HostFailure) -> FleetAgent {
        do {
            guard try files.status(path) != nil else { return FleetAgent() }
            let kept = try JSONDecoder().decode(
                Kept.self, from: Data(files.contents(of: path, limit: Self.sizeLimit)))
            guard kept.format <= Self.format else { throw HostFailure(.failed, "a newer version wrote it; use that") }
            return kept.fleet == fleet ? kept.agent : FleetAgent()
        } catch {
            throw HostFailure(
                .failed,
                "\(path), which says what the tracker ordered, cannot be read (\(HostFailure(error).message)); restore it, or "
                    + "remove it and the host begins anew with the tracker's next orders")
        }
    }

    func save(_ agent: FleetAgent) throws {
        let kept = Kept(format: Self.format, fleet: fleet, agent: agent)
        try files.replace(path, with: Array(try JSONEncoder().encode(kept)))
    }
}
