// SPDX-License-Identifier: Apache-2.0

import PeerProtocol

/// Requests that were withdrawn and may still be answered, each as often as it was. Peers that do not speak the fast
/// extension never answer most of them, so the oldest half is forgotten whenever the bound is reached.
struct WithdrawnRequests: Sendable {
    /// How many answers to each request may still come, and to all of them together.
    private struct Generation {
        var answers: [BlockRequest: Int] = [:]
        var count = 0

        mutating func remove(_ block: BlockRequest) -> Bool {
            guard let expected = answers[block] else { return false }
            answers[block] = expected > 1 ? expected - 1 : nil
            count -= 1
            return true
        }
    }

    private var recent = Generation()
    private var older = Generation()
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ block: BlockRequest) {
        if recent.count >= limit / 2 {
            older = recent
            recent = Generation()
        }
        recent.answers[block, default: 0] += 1
        recent.count += 1
    }

    /// - Returns: whether an answer to the request was still to come; there is one less then.
    mutating func remove(_ block: BlockRequest) -> Bool { older.remove(block) || recent.remove(block) }

    var count: Int { recent.count + older.count }
}
