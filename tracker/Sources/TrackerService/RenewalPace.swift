// SPDX-License-Identifier: Apache-2.0

package import TrackerStorage

/// How often a host gets another certificate. One that cannot keep what it gets asks again and again: without a bound it
/// would soon have as many as it may, and get none when it needs one, and each stands in the audit trail.
package enum RenewalPace {
    /// Certificates that a host gets for the asking within a third of their time, in which a host renews; further ones are
    /// so far apart, in seconds.
    package static let free = 8
    package static let period: Int64 = 10 * 86_400
    package static let distance: Int64 = 6 * 3600

    /// - Parameter certificates: those that the host has.
    /// - Returns: for how many seconds it has to wait; `nil` when it gets one now.
    package static func wait(_ certificates: [StoredCertificate], at time: Int64) -> Int64? {
        let recent = certificates.filter { $0.issued > time - period && $0.issued <= time }
        guard recent.count >= free, let newest = recent.map(\.issued).max(), newest + distance > time else {
            return nil
        }
        return newest + distance - time
    }
}
