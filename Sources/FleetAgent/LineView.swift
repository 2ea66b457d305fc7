// SPDX-License-Identifier: Apache-2.0

/// What a host's store says of a line of masters at a moment.
package struct LineView: Equatable, Sendable {
    /// The version that a bare name means by this host's choice.
    package var active: Int?
    /// Versions that are registered and sound, with their info-hashes as orders write them.
    package var held: [Int: String]
    /// Versions that this host went back from.
    package var denied: Set<Int>

    package init(active: Int? = nil, held: [Int: String] = [:], denied: Set<Int> = []) {
        self.active = active
        self.held = held
        self.denied = denied
    }
}
