// SPDX-License-Identifier: Apache-2.0

/// A word from a list that may grow: newer programs send words that older ones do not know, and those are kept as they
/// are.
package protocol OpenWord: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible
where RawValue == String {
    init(rawValue: String)
    /// Every word this program knows.
    static var known: [Self] { get }
}

extension OpenWord {
    package var description: String { rawValue }
    package var isKnown: Bool { Self.known.contains(self) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let word = try container.decode(String.self)
        guard (1...FleetLimits.wordBytes).contains(word.utf8.count),
            word.utf8.allSatisfy({
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-")
            })
        else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "a word has 1 to \(FleetLimits.wordBytes) lower-case letters, digits and hyphens")
        }
        self.init(rawValue: word)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
