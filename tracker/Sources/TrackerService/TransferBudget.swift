// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Synchronization

/// What all transfers of one kind together may hold in memory. It is the bytes that count: an upload that only trickles
/// holds few, and keeps nobody out.
final class TransferBudget: Sendable {
    /// One transfer's part of it, given back when nobody refers to it any more.
    final class Reservation: Sendable {
        private let budget: TransferBudget
        private let bytes = Mutex(0)

        fileprivate init(_ budget: TransferBudget) { self.budget = budget }

        deinit {
            let count = bytes.withLock { $0 }
            budget.held.withLock { $0 -= count }
        }

        /// The transfer needs more.
        /// - Throws: a 503 when all transfers together hold as much as they may.
        func grow(by count: Int) throws(APIError) {
            let fits = budget.held.withLock { held in
                guard count <= budget.limit - held else { return false }
                held += count
                return true
            }
            guard fits else { throw APIError(.serviceUnavailable, .busy, budget.refusal) }
            bytes.withLock { $0 += count }
        }
    }

    private let held = Mutex(0)
    private let limit: Int
    private let refusal: String

    /// - Parameters:
    ///   - limit: the most bytes.
    ///   - refusal: what those are told who would need more.
    init(limit: Int, refusal: String) {
        self.limit = limit
        self.refusal = refusal
    }

    /// A transfer that holds nothing yet.
    func reservation() -> Reservation { Reservation(self) }
}
