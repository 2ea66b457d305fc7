// SPDX-License-Identifier: Apache-2.0

/// A failed file operation. Two errors are equal when their causes are: the rest is the story for people.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller may want to branch on.
    package enum Cause: Equatable, Sendable {
        case notFound
        case exists
        case noSpace
        case readOnly
        case denied
        case unsupported
        case isDirectory
        case io
        /// The file holds more than the caller allows.
        case tooLarge
        case other(Int32)
    }

    package let cause: Cause
    /// What was tried, such as `open` or `rename`.
    package let operation: String
    package let path: String
    /// The system's own words.
    package let reason: String

    package init(_ cause: Cause, operation: String, path: String, reason: String) {
        self.cause = cause
        self.operation = operation
        self.path = path
        self.reason = reason
    }

    package var description: String { "cannot \(operation) \(path): \(reason)" }

    package static func == (left: FileError, right: FileError) -> Bool { left.cause == right.cause }
}
