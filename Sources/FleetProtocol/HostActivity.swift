// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// What goes on at a host at the moment, for those who look on. It is kept nowhere, and decides nothing.
package struct HostActivity: Codable, Equatable, Sendable {
    /// A master that is being fetched.
    package struct Fetch: Codable, Equatable, Sendable {
        /// `NAME@VERSION`.
        package var master: String
        /// Bytes that are verified, and bytes of the image.
        package var bytes: UInt64
        package var size: UInt64
        /// Bytes a second.
        package var rate: UInt64
        /// How many connected peers have the rarest piece that is missing.
        package var rarestCopies: Int
        /// When it is complete if it goes on like this, in seconds from now.
        package var least: Int?
        package var most: Int?
        /// What it waits for most: a word, as `drover why` has it, and a sentence.
        package var cause: String
        package var finding: String
        /// How much of each part of the image is verified: a hexadecimal digit each, `f` for all of it.
        package var map: String

        package init(
            master: String, bytes: UInt64, size: UInt64, rate: UInt64, rarestCopies: Int, least: Int?, most: Int?,
            cause: String, finding: String, map: String
        ) {
            self.master = master
            self.bytes = bytes
            self.size = size
            self.rate = rate
            self.rarestCopies = rarestCopies
            self.least = least
            self.most = most
            self.cause = cause
            self.finding = finding
            self.map = map
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            master = try container.text(.master)
            try container.check(MasterName(master) != nil, .master, "is no master's name")
            size = try container.amount(.size)
            bytes = try container.amount(.bytes)
            try container.check(bytes <= size, .bytes, "is more than the size")
            rate = try container.amount(.rate)
            rarestCopies = try container.number(.rarestCopies, 0...1_000_000, default: 0)
            least = try container.numberIfPresent(.least, 0...1_000_000_000)
            most = try container.numberIfPresent(.most, 0...1_000_000_000)
            cause = try container.text(.cause, limit: FleetLimits.wordBytes)
            finding = try container.text(.finding)
            map = try container.text(.map, limit: FleetLimits.mapCells)
            try container.check(
                map.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }, .map,
                "has something else than hexadecimal digits")
        }
    }

    /// A peer that this host swaps pieces with.
    package struct Neighbour: Codable, Equatable, Sendable {
        /// Where it accepts connections, as an address with a port.
        package var address: String
        /// Bytes a second from it, and to it.
        package var down: UInt64
        package var up: UInt64

        package init(address: String, down: UInt64, up: UInt64) {
            self.address = address
            self.down = down
            self.up = up
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            address = try container.text(.address, limit: FleetLimits.wordBytes)
            down = try container.amount(.down)
            up = try container.amount(.up)
        }
    }

    /// The port at which the host accepts connections.
    package var port: Int?
    /// Bytes a second, of all images together.
    package var down: UInt64
    package var up: UInt64
    package var fetches: [Fetch]
    /// The busiest of them.
    package var neighbours: [Neighbour]

    package init(port: Int?, down: UInt64, up: UInt64, fetches: [Fetch], neighbours: [Neighbour]) {
        self.port = port
        self.down = down
        self.up = up
        self.fetches = fetches
        self.neighbours = neighbours
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        port = try container.numberIfPresent(.port, 1...65535)
        down = try container.amount(.down)
        up = try container.amount(.up)
        fetches = try container.list(.fetches, limit: FleetLimits.fetches)
        neighbours = try container.list(.neighbours, limit: FleetLimits.neighbours)
    }
}
