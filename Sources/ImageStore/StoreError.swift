// SPDX-License-Identifier: Apache-2.0

package import FileLayer

import Metainfo

/// Why the image store refused or failed. The description is one sentence that says what to do.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What a caller branches on; the command line maps each to its exit code.
    package enum Kind: Equatable, Sendable {
        /// The name stands for other content, or the wish contradicts what the store is doing. Exit code 5.
        case conflict
        /// This very content is registered already, which for most callers is success. Exit code 5 otherwise.
        case alreadyRegistered
        /// Another process works on the store; its process id if known. Exit code 5.
        case inUse(by: Int32?)
        /// No such store, master or fetch. Exit code 3.
        case notFound
        /// Not enough space. `needed` and `available` are bytes where they were computed, `nil` where the disk filled
        /// up under a write. Exit code 9.
        case noSpace(needed: Int64?, available: Int64?)
        /// Content does not match its hashes, or differs from what was once verified. Exit code 8.
        case verification
        /// The source image changed while it was read. Exit code 5.
        case sourceChanged
        /// Another process holds the source image open for writing. Exit code 5.
        case sourceInUse
        /// The caller asked to stop. Exit code 1.
        case cancelled
        /// A sync failed: what was not recorded must be fetched again, through a reopened partial image. Exit code 1.
        case poisoned
        case readOnly
        case denied
        /// A torrent, record or argument that cannot be used. Exit code 1.
        case invalid
        /// Any other failure of the file system. Exit code 1.
        case io
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// The error for a failed file operation.
    package init(_ error: FileError) {
        switch error.cause {
        case .noSpace:
            self.init(
                .noSpace(needed: nil, available: nil),
                "the disk is full (\(error)); free some space and try again")
        case .readOnly:
            self.init(
                .readOnly,
                "\(error.path) is on a read-only file system; mount it for writing or name another store with --store")
        case .denied:
            self.init(
                .denied,
                "no permission: \(error); run as the user who owns the store or change the permissions")
        case .notFound: self.init(.notFound, "\(error); check the path")
        case .io: self.init(.io, "\(error); the disk may be failing, check the system log")
        default: self.init(.io, "\(error); check the path and the file system")
        }
    }

    static func noSuchMaster(_ name: MasterName, _ root: String) -> StoreError {
        StoreError(.notFound, "there is no master \(name) in \(root); `drover master list` shows what there is")
    }

    static func alreadyRegistered(_ name: MasterName) -> StoreError {
        StoreError(.alreadyRegistered, "\(name) is registered already with the same content; there is nothing to do")
    }

    static func otherContent(_ name: MasterName) -> StoreError {
        StoreError(
            .conflict,
            "\(name) exists already with other content; choose a higher version, or remove the old one first")
    }

    static func busy(_ name: MasterName) -> StoreError {
        StoreError(.conflict, "\(name) is being worked on by another command; wait until that is done and try again")
    }
}

/// Runs file operations and turns their errors into the store's.
func translating<Result>(_ body: () throws(FileError) -> Result) throws(StoreError) -> Result {
    do throws(FileError) {
        return try body()
    } catch {
        throw StoreError(error)
    }
}
