// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// What all uploads together may hold in memory. It is the bytes that count, as they arrive: an upload that only trickles
/// holds few, and keeps nobody out.
final class UploadBudget: Sendable {
    /// One upload's part of it.
    final class Reservation: Sendable {
        private let budget: UploadBudget
        private let bytes = Mutex(0)

        fileprivate init(_ budget: UploadBudget) { self.budget = budget }

        /// More of the upload arrived.
        /// - Throws: a 503 when all uploads together hold as much as they may.
        func grow(by count: Int) throws(APIError) {
            let fits = budget.held.withLock { held in
                guard held + count <= budget.limit else { return false }
                held += count
                return true
            }
            guard fits else {
                throw APIError(
                    .serviceUnavailable, "busy", "The tracker is taking other torrents; publish again in a moment.")
            }
            bytes.withLock { $0 += count }
        }

        fileprivate func end() {
            let count = bytes.withLock { $0 }
            budget.held.withLock { $0 -= count }
        }
    }

    private let held = Mutex(0)
    private let limit: Int

    /// - Parameter limit: the most bytes.
    init(limit: Int) { self.limit = limit }

    /// Runs `body`, whose reservation ends with it.
    func reserving<Value>(_ body: (Reservation) async throws -> Value) async throws -> Value {
        let reservation = Reservation(self)
        defer { reservation.end() }
        return try await body(reservation)
    }
}
