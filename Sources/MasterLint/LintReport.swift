// SPDX-License-Identifier: Apache-2.0

/// What a look into an image came to.
package struct LintReport: Codable, Equatable, Sendable {
    /// Something that clones must not have in common.
    package struct Finding: Codable, Equatable, Sendable {
        /// The rule, such as `ssh-host-key`.
        package var id: String
        /// Such as `partition 1`.
        package var place: String
        /// Where in the guest; its name is the image's, with `?` for what a terminal would act on.
        package var path: String
        package var what: String
        package var why: String
        package var repair: String
    }

    /// A part of the image.
    package struct Place: Codable, Equatable, Sendable {
        package var name: String
        package var kind: FileSystemKind
        /// In bytes.
        package var offset: Int64
        package var length: Int64
        /// Why it could not be looked into, as the end of a sentence.
        package var obstacle: String?
    }

    package var places: [Place] = []
    package var findings: [Finding] = []

    /// Whether everything that can hold a guest's files was looked into.
    package var isComplete: Bool { places.allSatisfy { $0.obstacle == nil } }
}
