// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// Lets a bounded number of uploads in at once and turns the others away, so that their bodies are bounded in memory.
final class UploadGate: Sendable {
    private let inside = Mutex(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body`, or throws a 503 when as many are running as may.
    func pass<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isIn = inside.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isIn else {
            throw APIError(
                .serviceUnavailable, "busy", "The tracker is taking other torrents; publish again in a moment.")
        }
        defer { inside.withLock { $0 -= 1 } }
        return try await body()
    }
}
