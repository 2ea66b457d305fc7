// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer
package import FileLayer

/// A clone operation that was refused or failed. Two errors are equal when their kinds are: the rest is for people.
package struct CloneError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller may want to branch on; the command line turns it into an exit code.
    package enum Kind: Equatable, Sendable {
        /// A name, count or backend that cannot be asked for.
        case usage
        /// No clone of that name.
        case notFound
        /// A name taken, a master in use, a backend this host or file system cannot offer.
        case conflict
        case noSpace
        /// A master whose file is not the one any more that was checked.
        case altered
        case other

        /// The documented exit code of the command line.
        package var exitCode: Int32 {
            switch self {
            case .usage: 2
            case .notFound: 3
            case .conflict: 5
            case .altered: 8
            case .noSpace: 9
            case .other: 1
            }
        }
    }

    package let kind: Kind
    /// One sentence that says what happened and what to do.
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A failed file operation during `work`, such as "create clones of debian@3".
    package init(_ error: FileError, during work: String) {
        switch error.cause {
        case .noSpace:
            self.init(.noSpace, "cannot \(work): no space is left at \(error.path); free some and try again")
        case .readOnly:
            self.init(.other, "cannot \(work): the store at \(error.path) is read-only; make it writable")
        default:
            self.init(.other, "cannot \(work): \(error)")
        }
    }

    /// A failed operation on block devices during `work`, such as "create clones of debian@3".
    package init(_ error: DeviceError, during work: String) {
        switch error.cause {
        case .denied:
            self.init(
                .other,
                "cannot \(work): \(error); run this as root, and a peer that runs on the store too, or stop it first")
        case .busy: self.init(.conflict, "cannot \(work): it is in use (\(error)); shut its machine down first")
        case .noSpace: self.init(.noSpace, "cannot \(work): no space is left (\(error)); free some and try again")
        case .exists, .unsupported: self.init(.conflict, "cannot \(work): \(error)")
        case .notFound, .other: self.init(.other, "cannot \(work): \(error)")
        }
    }

    package static func == (left: CloneError, right: CloneError) -> Bool { left.kind == right.kind }
}
