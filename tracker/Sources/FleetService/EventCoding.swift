// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import RolloutCore

/// Events of rollouts as the storage keeps them: JSON.
enum EventCoding {
    static func bytes(_ event: RolloutEvent) throws -> [UInt8] { Array(try JSONEncoder().encode(event)) }

    static func event(_ bytes: [UInt8]) throws -> RolloutEvent {
        try JSONDecoder().decode(RolloutEvent.self, from: Data(bytes))
    }
}
