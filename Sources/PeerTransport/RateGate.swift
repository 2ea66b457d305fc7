// SPDX-License-Identifier: Apache-2.0

import Swarm
import Synchronization

/// One direction of a host's link, shared by all of its connections, with a cap that may change at any time.
package final class RateGate: Sendable {
    private let schedule = Mutex(RateSchedule())

    package init() {}

    /// Bytes a second; `nil` for no cap.
    package var bytesPerSecond: Double? {
        get { schedule.withLock { $0.bytesPerSecond } }
        set { schedule.withLock { $0.bytesPerSecond = newValue } }
    }

    /// Whether there is no cap.
    var isOpen: Bool { schedule.withLock { $0.bytesPerSecond == nil } }

    /// How long to wait before these bytes may be sent.
    func waitToSend(_ bytes: Int) -> Duration {
        schedule.withLock { $0.reserve(bytes, at: TransportResources.now).start }
    }

    /// How long to wait after these bytes were received, before more are taken; `nil` without a cap.
    func waitAfterReceiving(_ bytes: Int) -> Duration? {
        schedule.withLock { schedule in
            schedule.bytesPerSecond == nil ? nil : schedule.reserve(bytes, at: TransportResources.now).end
        }
    }
}
