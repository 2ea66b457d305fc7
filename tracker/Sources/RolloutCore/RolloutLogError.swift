// SPDX-License-Identifier: Apache-2.0

/// A log that cannot be a rollout's: entries are missing, out of order, or speak of what is not there.
package struct RolloutLogError: Error, Equatable, CustomStringConvertible {
    package let sequence: UInt64
    package let fault: String

    package init(sequence: UInt64, fault: String) {
        self.sequence = sequence
        self.fault = fault
    }

    package var description: String {
        "The rollout's log is damaged at entry \(sequence): \(fault). Restore it from a backup."
    }
}
