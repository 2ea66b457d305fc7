// SPDX-License-Identifier: Apache-2.0

/// Which programs understand a document. Fields are only ever added, and whoever does not know one passes it over; should
/// that not do, `least` says from which version on a program may act on the document.
package struct FleetVersion: Codable, Hashable, Sendable {
    /// The version that this program writes.
    package static let current = FleetVersion(written: 1, least: 1)

    package let written: Int
    package let least: Int

    init(written: Int, least: Int) {
        self.written = written
        self.least = least
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        written = try container.number(.written, 1...Int.max)
        least = try container.number(.least, 1...Int.max)
        try container.check(
            least <= Self.current.written, .least,
            "demands version \(least) of the fleet's protocol, and this program knows \(Self.current.written): update it"
        )
    }
}
