// SPDX-License-Identifier: Apache-2.0

/// How many hosts there are, and which have not been heard of lately.
package struct HostsDocument: Codable, Equatable, Sendable {
    /// How many silent hosts are named.
    package static let namedLimit = 100

    package var version = FleetVersion.current
    package var known: Int
    package var silent: Int
    /// The first of the silent ones by name.
    package var silentNames: [String]

    package init(known: Int, silent: [String]) {
        self.known = known
        self.silent = silent.count
        silentNames = Array(silent.prefix(Self.namedLimit))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        known = try container.number(.known, 0...Int.max)
        silent = try container.number(.silent, 0...Int.max)
        silentNames = try container.list(.silentNames, limit: Self.namedLimit)
    }
}
