// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// Why a benchmark was refused or failed.
package struct BenchError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// Something that cannot be asked for.
        case usage
        case notFound
        /// Something is in use, or holds what must not be overwritten.
        case conflict
        case noSpace
        case failed
    }

    package let kind: Kind
    /// One sentence that says what happened and what to do.
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    package init(_ error: FileError) {
        switch error.cause {
        case .noSpace:
            self.init(.noSpace, "no space is left at \(error.path); free some, or use a smaller --size")
        case .denied, .readOnly:
            self.init(.failed, "\(error); run as a user who may write there, or name another folder with --folder")
        default: self.init(.failed, "\(error)")
        }
    }
}
