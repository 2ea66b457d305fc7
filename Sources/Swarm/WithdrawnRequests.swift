// SPDX-License-Identifier: Apache-2.0

import PeerProtocol

/// Requests that were withdrawn and may still be answered. Peers that do not speak the fast extension never answer most
/// of them, so the oldest half is forgotten whenever the bound is reached.
struct WithdrawnRequests: Sendable {
    private var recent: Set<BlockRequest> = []
    private var older: Set<BlockRequest> = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ block: BlockRequest) {
        if recent.count >= limit / 2 {
            older = recent
            recent = []
        }
        recent.insert(block)
    }

    /// - Returns: whether the request was among them.
    mutating func remove(_ block: BlockRequest) -> Bool {
        recent.remove(block) != nil || older.remove(block) != nil
    }

    var count: Int { recent.count + older.count }
}
