// SPDX-License-Identifier: Apache-2.0

/// What a host can do, thing by thing. Version 1 of the schema: fields and checks may be added, none changes its meaning.
package struct DoctorReport: Codable, Equatable, Sendable {
    package enum Severity: String, Codable, Sendable {
        case ok
        /// Something that not everybody needs is missing.
        case note
        /// It works, and worse than it could.
        case warning
        /// Drover cannot do its work.
        case error
    }

    package struct Check: Codable, Equatable, Sendable {
        /// Stable, for programs; such as `backend.qcow2`.
        package var id: String
        package var severity: Severity
        /// What was found, a clause.
        package var finding: String
        /// What would help, an imperative.
        package var fix: String?

        package init(_ id: String, _ severity: Severity, _ finding: String, fix: String? = nil) {
            self.id = id
            self.severity = severity
            self.finding = finding
            self.fix = fix
        }
    }

    package var schema = "drover/doctor/v1"
    package var checks: [Check]
    /// Backends in the order in which `auto` tries them here, and why.
    package var autoOrder: [String]
    package var autoReason: String

    /// Whether Drover cannot do its work.
    package var hasErrors: Bool { checks.contains { $0.severity == .error } }
}
