// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// A registered master as the store reports it.
package struct Master: Equatable, Sendable {
    /// Whether the master may be served and cloned.
    package enum State: String, Sendable {
        /// Its content was verified and its file has not changed since.
        case registered
        /// Its file's size or time of change differs from its record: not served until it is verified again.
        case altered
        /// It failed its last verification: not served.
        case failed
    }

    package let name: MasterName
    /// Free text for people.
    package let label: String?
    package let state: State
    /// Size in bytes, as the guest sees the disk.
    package let size: Int64
    /// In bytes.
    package let pieceLength: Int
    package let infoHashes: InfoHashes
    /// Absolute path of the raw image.
    package let path: String
    /// Seconds since 1970.
    package let registeredAt: Int64
    /// Bytes the image occupies on disk; less than ``size`` where it is sparse.
    package let allocated: Int64
}
