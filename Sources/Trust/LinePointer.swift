// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// What publishers say of a line of masters as a whole: which version is the current one, and which ones nobody may use
/// any more. Going back to an older version takes a pointer: without one a host refuses what is older than it has seen.
package struct LinePointer: SignedStatement {
    package static let payloadType = "application/vnd.drover.line+json"
    package static let noun = "a pointer"
    /// The most versions that one line can have revoked.
    package static let revokedLimit = 10_000
    /// The highest serial, so that there is always a next one.
    package static let serialLimit = 1_000_000_000

    package var name: String
    /// Grows with each pointer of the line: 1 is the first.
    package var serial: Int
    /// The version that the line stands at; `nil` when the pointer only revokes.
    package var current: Int?
    /// The highest version that the pointer speaks about: up to it only ``current`` may be used, and whatever is higher
    /// was published later. The same as ``current`` where that is the newest. Without ``current`` none of them may be used;
    /// `nil` when the pointer only revokes.
    package var overrules: Int?
    /// Versions that are no longer served, fetched or cloned. A version once revoked stays so, whether or not later
    /// pointers repeat it.
    package var revoked: [Int]
    /// Seconds since 1970.
    package var created: Int64
    /// Seconds since 1970; later than ``created``.
    package var expires: Int64

    package init(
        name: String, serial: Int, current: Int?, overrules: Int?, revoked: [Int], created: Int64, expires: Int64
    ) {
        self.name = name
        self.serial = serial
        self.current = current
        self.overrules = overrules
        self.revoked = revoked
        self.created = created
        self.expires = expires
    }

    package var isSound: Bool {
        MasterName.isValid(name: name) && (1...Self.serialLimit).contains(serial) && isPlaceSound
            && revoked.count <= Self.revokedLimit
            && revoked.allSatisfy { $0 > 0 }
            && created >= 0 && expires > created
    }

    private var isPlaceSound: Bool {
        guard let current else { return overrules.map { $0 > 0 } ?? true }
        guard let overrules else { return false }
        return current > 0 && overrules >= current && !revoked.contains(current)
    }
}
