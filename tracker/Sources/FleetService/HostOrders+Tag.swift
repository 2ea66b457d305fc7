// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import Metainfo

extension HostOrders {
    /// Names orders by all that they say, so that no change of them goes unnoticed, however many there are.
    static func tag(_ orders: [FleetOrder], epoch: String) throws(FleetProblem) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let bytes = try? encoder.encode(orders) else {
            throw FleetProblem(status: 500, code: .internal, detail: "Orders cannot be written; this is a bug.")
        }
        return "\(epoch):\(SHA256Digest(hashing: Array(bytes)))"
    }
}
