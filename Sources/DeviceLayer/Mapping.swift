// SPDX-License-Identifier: Apache-2.0

/// A device-mapper device to be made. Everything that belongs to it is named by files, so that whoever carries it out,
/// in this process or another one, can check them.
package struct MappingPlan: Hashable, Sendable {
    /// What the device does. Sizes are in sectors of 512 bytes.
    package enum Target: Hashable, Sendable {
        /// A persistent snapshot of the file `origin`, which is only read; what differs goes to the file `store`.
        case snapshot(origin: String, store: String, chunkSectors: Int)
        /// A pool of thin devices in two files.
        case thinPool(metadata: String, data: String, blockSectors: Int)
        /// The pool's device `id` over the file `origin`, which is only read.
        case thin(pool: MappingName, id: Int, origin: String)
    }

    package var name: MappingName
    package var sectors: Int64
    package var target: Target

    package init(_ name: MappingName, sectors: Int64, target: Target) {
        self.name = name
        self.sectors = sectors
        self.target = target
    }
}

/// What a mapping is called, and whose it is.
package struct MappingName: Hashable, Sendable, CustomStringConvertible {
    /// Tells one store's mappings from another's: letters and digits.
    package let owner: String
    /// What it is to its owner, such as a clone's name; letters, digits, `.`, `_`, `-` and `+`, at most 63.
    package let part: String

    package init(owner: String, part: String) {
        self.owner = owner
        self.part = part
    }

    /// No volume group's name holds an `@`, so no device of LVM's is called like this.
    private static let prefix = "drover@"
    private static let uuidPrefix = "DROVER-"

    /// The device's name below `/dev/mapper`, which people see.
    package var device: String { Self.prefix + part }
    package var path: String { "/dev/mapper/\(device)" }
    /// The identifier that the kernel keeps; by it a mapping is known to be ours.
    package var uuid: String { "\(Self.uuidPrefix)\(owner)-\(part)" }
    package var description: String { device }

    /// - Returns: `nil` for the identifier of a mapping that is not Drover's.
    package init?(uuid: String) {
        guard uuid.hasPrefix(Self.uuidPrefix) else { return nil }
        let rest = uuid.dropFirst(Self.uuidPrefix.count)
        guard let dash = rest.firstIndex(of: "-") else { return nil }
        owner = String(rest[..<dash])
        part = String(rest[rest.index(after: dash)...])
        guard !owner.isEmpty, !part.isEmpty else { return nil }
    }
}

/// A device-mapper device that is there.
package struct Mapping: Hashable, Sendable {
    /// `nil` for one that is not Drover's.
    package let name: MappingName?
    /// Its name below `/dev/mapper`.
    package let device: String
    package let openCount: Int
    package let state: MappingState

    package init(name: MappingName?, device: String, openCount: Int, state: MappingState) {
        self.name = name
        self.device = device
        self.openCount = openCount
        self.state = state
    }
}

/// What the kernel says of a mapping.
package enum MappingState: Hashable, Sendable {
    /// Sectors of the store that are used, and all it has; metadata is part of both.
    case snapshot(used: Int64, total: Int64)
    /// A snapshot whose store was full or failed: what was written to it is lost.
    case invalidSnapshot
    /// Blocks of data and of metadata. `isReadOnly` when it can take no more writes.
    case thinPool(usedData: Int64, totalData: Int64, usedMetadata: Int64, totalMetadata: Int64, isReadOnly: Bool)
    case thin(mappedSectors: Int64)
    case failed
    case other

    /// Reads a line of `dmsetup status` without the device's name: start, length, target, and its own words.
    package init(status line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count > 2 else {
            self = .other
            return
        }
        let facts = words.suffix(from: 3).map { String($0) }
        let pairs = facts.map(Self.fraction)
        let word = facts.first ?? ""
        switch words[2] {
        case "snapshot":
            guard let fill = pairs.first ?? nil else {
                self = .invalidSnapshot
                return
            }
            self = .snapshot(used: fill.0, total: fill.1)
        case "thin-pool":
            // Transaction, metadata, data, held root, mode, …
            guard facts.count > 4, let metadata = pairs[1], let data = pairs[2] else {
                self = .failed
                return
            }
            self = .thinPool(
                usedData: data.0, totalData: data.1, usedMetadata: metadata.0, totalMetadata: metadata.1,
                isReadOnly: facts[4] != "rw")
        case "thin": self = Int64(word).map { .thin(mappedSectors: $0) } ?? .failed
        default: self = .other
        }
    }

    private static func fraction(_ text: String) -> (Int64, Int64)? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let used = Int64(parts[0]), let total = Int64(parts[1]), total > 0 else { return nil }
        return (used, total)
    }
}
