// SPDX-License-Identifier: Apache-2.0

package import ToolLayer

/// A failed operation on block devices. Two errors are equal when their causes are: the rest is for people.
package struct DeviceError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: Equatable, Sendable {
        /// The caller may not: device-mapper and LVM want root.
        case denied
        /// This kernel, or this host, cannot.
        case unsupported
        /// Somebody has the device open.
        case busy
        case exists
        case notFound
        case noSpace
        case other
    }

    package let cause: Cause
    /// One clause that says what failed and why.
    package let description: String

    package init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }

    /// What a program's failure means, told from its words: dmsetup and LVM have one exit status for all failures.
    package init(_ error: ToolError) {
        let words = error.words.lowercased()
        let said = { (parts: String...) in parts.contains { words.contains($0) } }
        let cause: Cause =
            switch error.cause {
            case .missing: .unsupported
            case .exit, .signal:
                if said("permission denied", "operation not permitted", "must be root", "not running as root") {
                    .denied
                } else if said("insufficient free space", "no space left", "insufficient suitable", "out of space") {
                    .noSpace
                } else if said("resource busy", "in use", "contains a filesystem in use") {
                    .busy
                } else if said("already exists", "file exists", "already used") {
                    .exists
                } else if said("no such device", "not found", "failed to find", "does not exist", "no data available") {
                    .notFound
                } else {
                    .other
                }
            case .notStarted, .timedOut, .tooMuchOutput: .other
            }
        self.init(cause, error.description)
    }

    package static func == (left: DeviceError, right: DeviceError) -> Bool { left.cause == right.cause }
}
