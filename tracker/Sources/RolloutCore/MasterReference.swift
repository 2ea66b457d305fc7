// SPDX-License-Identifier: Apache-2.0

/// The master that a rollout is about: one version of a line of masters.
package struct MasterReference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name that all versions share: 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit.
    package let line: String
    /// Strictly greater than that of every earlier master of the line.
    package let version: UInt64
    /// The info-hash as text. The machine compares it and knows no more of it.
    package let infoHash: String

    /// - Returns: `nil` when the line's name is none, or the version is 0.
    package init?(line: String, version: UInt64, infoHash: String) {
        guard Self.isLine(line), version > 0,
            infoHash.utf8.count <= RolloutLimits.nameLength
        else { return nil }
        self.line = line
        self.version = version
        self.infoHash = infoHash
    }

    package var description: String { "\(line)@\(version)" }

    private static func isLine(_ name: String) -> Bool {
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        return (1...63).contains(name.utf8.count)
            && name.utf8.first.map { isNameStart($0) || capitals.contains($0) } == true
            && name.utf8.allSatisfy { isNameByte($0) || capitals.contains($0) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let line = try container.decode(String.self, forKey: .line)
        let version = try container.decode(UInt64.self, forKey: .version)
        guard
            let master = Self(
                line: line, version: version, infoHash: try container.decode(String.self, forKey: .infoHash))
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .line, in: container, debugDescription: "there is no master \(line)@\(version)")
        }
        self = master
    }
}
