// SPDX-License-Identifier: Apache-2.0

/// An entry of a folder inside an image.
package struct GuestFile: Hashable, Sendable {
    package enum Kind: Sendable {
        case regular, directory, link, other
    }

    package let name: String
    package let kind: Kind
    /// Bytes; 0 for what is no regular file.
    package let size: Int64

    package init(name: String, kind: Kind, size: Int64) {
        self.name = name
        self.kind = kind
        self.size = size
    }
}

/// A file system inside an image, as the rules look at it. Nothing is ever written or mounted.
protocol GuestFileSystem {
    /// What is in a folder, or `nil` when there is no such folder.
    /// - Parameter path: absolute in the file system; of the plain letters that rules are written in.
    /// - Throws: ``LintObstacle``.
    func files(in path: String) async throws -> [GuestFile]?
    /// The beginning of a file.
    /// - Throws: ``LintObstacle``.
    func contents(of path: String) async throws -> [UInt8]
}

/// Why a file system could not be looked into: the end of a sentence, with what would help.
package struct LintObstacle: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
