// SPDX-License-Identifier: Apache-2.0

package import FileLayer
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
        /// An adopted master whose file is not there, not readable or does not answer: its share is not mounted, or its
        /// server is away.
        case unreachable
    }

    /// Where a master's image lies.
    package enum Location: String, Sendable {
        case store
        /// In its own place, such as a file server's share. The store only reads it.
        case adopted
    }

    package let name: MasterName
    /// Free text for people.
    package let label: String?
    package internal(set) var state = State.registered
    /// Size in bytes, as the guest sees the disk.
    package let size: Int64
    /// In bytes.
    package let pieceLength: Int
    package let infoHashes: InfoHashes
    /// Absolute path of the raw image.
    package let path: String
    package let location: Location
    /// Seconds since 1970.
    package let registeredAt: Int64
    /// Bytes the image occupies on disk; less than ``size`` where it is sparse.
    package internal(set) var allocated: Int64 = 0
    /// Of an adopted master that can be reached: its file as ``state`` was told by it.
    package internal(set) var stamp: FileStamp?
    /// Of an adopted master that may not be cloned: why not and what to do, one sentence.
    package internal(set) var problem: String?

    init(_ name: MasterName, _ record: MasterRecord, path: String, location: Location) {
        self.name = name
        self.path = path
        self.location = location
        label = record.label
        size = record.size
        pieceLength = record.pieceLength
        infoHashes = record.infoHashes
        registeredAt = record.registeredAt
    }
}
