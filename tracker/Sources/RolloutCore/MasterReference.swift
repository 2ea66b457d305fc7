// SPDX-License-Identifier: Apache-2.0

/// The master that a rollout is about: one version of a line of masters.
package struct MasterReference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name that all versions share.
    package let line: String
    /// Strictly greater than that of every earlier master of the line.
    package let version: UInt64
    /// The info-hash as text. The machine compares it and knows no more of it.
    package let infoHash: String

    /// - Returns: `nil` when the line's name is none, or the version is 0.
    package init?(line: String, version: UInt64, infoHash: String) {
        guard HostName(line) != nil, line.utf8.count <= 63, version > 0,
            infoHash.utf8.count <= RolloutLimits.nameLength
        else { return nil }
        self.line = line
        self.version = version
        self.infoHash = infoHash
    }

    package var description: String { "\(line)@\(version)" }
}
