// SPDX-License-Identifier: Apache-2.0

/// What a host says of itself. Its name is that of its certificate and not said here.
package struct HostFacts: Codable, Equatable, Sendable {
    /// The host's program, such as `0.4.0`.
    package var program: String
    package var labels: [String: String]
    package var freeBytes: UInt64
    /// The size of the file system that holds the store.
    package var capacityBytes: UInt64
    /// What the host's link carries, in bytes a second, where it is known.
    package var linkRate: UInt64?
    /// Whether the host has something else to do for now; such hosts come last.
    package var isBusy: Bool
    /// Whether the host finds itself well.
    package var isHealthy: Bool
    package var lines: [LineFacts]

    package init(
        program: String, labels: [String: String], freeBytes: UInt64, capacityBytes: UInt64, linkRate: UInt64? = nil,
        isBusy: Bool = false, isHealthy: Bool = true, lines: [LineFacts]
    ) {
        self.program = program
        self.labels = labels
        self.freeBytes = freeBytes
        self.capacityBytes = capacityBytes
        self.linkRate = linkRate
        self.isBusy = isBusy
        self.isHealthy = isHealthy
        self.lines = lines
    }

    private enum CodingKeys: String, CodingKey {
        case program, labels, freeBytes, capacityBytes, linkRate
        case isBusy = "busy"
        case isHealthy = "healthy"
        case lines
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        program = try container.text(.program, limit: FleetLimits.wordBytes)
        labels = try container.table(.labels, limit: FleetLimits.labels)
        try container.check(
            labels.values.allSatisfy { $0.utf8.count <= FleetLimits.wordBytes }, .labels,
            "has a value of more than \(FleetLimits.wordBytes) bytes")
        freeBytes = try container.decode(UInt64.self, forKey: .freeBytes)
        capacityBytes = try container.decode(UInt64.self, forKey: .capacityBytes)
        linkRate = try container.decodeIfPresent(UInt64.self, forKey: .linkRate)
        isBusy = try container.flag(.isBusy)
        isHealthy = try container.decodeIfPresent(Bool.self, forKey: .isHealthy) ?? true
        lines = try container.list(.lines, limit: FleetLimits.lines)
    }

    /// What a host has of one line of masters.
    package struct LineFacts: Codable, Equatable, Sendable {
        package var name: String
        /// The version that a bare name means there; `nil` when there is none.
        package var active: Int?
        /// Versions in the store, the active one included.
        package var held: [Int]
        /// Versions on the deny list.
        package var denied: [Int]
        /// How many clones hang on each version.
        package var clones: [VersionClones]

        package init(
            name: String, active: Int?, held: [Int], denied: [Int] = [], clones: [VersionClones] = []
        ) {
            self.name = name
            self.active = active
            self.held = held
            self.denied = denied
            self.clones = clones
        }

        private enum CodingKeys: String, CodingKey {
            case name, active, held, denied, clones
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.line(.name)
            active = try container.numberIfPresent(.active, 1...Int.max)
            held = try container.list(.held, limit: FleetLimits.versions)
            denied = try container.list(.denied, limit: FleetLimits.versions)
            try container.check((held + denied).allSatisfy { $0 > 0 }, .held, "has a version that is none")
            clones = try container.list(.clones, limit: FleetLimits.versions)
        }
    }

    /// The clones of one version on a host.
    package struct VersionClones: Codable, Equatable, Sendable {
        package var version: Int
        package var count: Int
        /// Those of them that a virtual machine has open, where that is known.
        package var running: Int?

        package init(version: Int, count: Int, running: Int? = nil) {
            self.version = version
            self.count = count
            self.running = running
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            version = try container.number(.version, 1...Int.max)
            count = try container.number(.count, 0...1_000_000)
            running = try container.numberIfPresent(.running, 0...1_000_000)
        }
    }
}
