// SPDX-License-Identifier: Apache-2.0

import DeviceLayer

/// How clones are to be made, beyond the choice of their backend. What is `nil` is left to the backend. A clone keeps
/// its settings when it is reset.
package struct CloneSettings: Codable, Hashable, Sendable {
    /// qcow2: bytes that are allocated together; a power of two from 4 KiB to 2 MiB.
    package var clusterSize: Int?
    /// qcow2: clusters are allocated in 32 parts each.
    package var extendedL2: Bool?
    /// dm-snapshot, lvm: bytes for what is written to the clone, metadata included. Without it there is room for all of
    /// the master and the metadata, so that it cannot run full.
    package var storeSize: Int64?
    /// lvm, lvm-thin: the volume group.
    package var volumeGroup: String?

    package static let standardVolumeGroup = "drover"
    /// Less is no clone worth having: a chunk of metadata and a few of data.
    package static let smallestStore: Int64 = 1 << 20
    /// 1 PiB.
    package static let largestStore: Int64 = 1 << 50

    /// - Throws: ``CloneError`` of kind `.usage` for a value that no backend takes.
    package init(
        clusterSize: Int? = nil, extendedL2: Bool? = nil, storeSize: Int64? = nil, volumeGroup: String? = nil
    ) throws(CloneError) {
        if let clusterSize, clusterSize.nonzeroBitCount != 1 || !(4096...(2 << 20)).contains(clusterSize) {
            throw CloneError(
                .usage, "clusters of \(clusterSize) bytes cannot be: use a power of two from 4K to 2M")
        }
        if let storeSize, !(Self.smallestStore...Self.largestStore).contains(storeSize) {
            throw CloneError(
                .usage, "\(storeSize) bytes cannot be the room for what is written to a clone: use 1M to 1024T")
        }
        if let volumeGroup, !VolumeID.isValid(group: volumeGroup) {
            throw CloneError(.usage, "'\(volumeGroup)' cannot name a volume group; 'vgs' lists those there are")
        }
        self.clusterSize = clusterSize
        self.extendedL2 = extendedL2
        self.storeSize = storeSize
        self.volumeGroup = volumeGroup
    }

    private init() {}

    /// Whoever sent it may have written anything.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            clusterSize: values.decodeIfPresent(Int.self, forKey: .clusterSize),
            extendedL2: values.decodeIfPresent(Bool.self, forKey: .extendedL2),
            storeSize: values.decodeIfPresent(Int64.self, forKey: .storeSize),
            volumeGroup: values.decodeIfPresent(String.self, forKey: .volumeGroup))
    }

    package static let none = CloneSettings()

    /// The backends that know what to do with these.
    package var backends: Set<CloneBackendKind> {
        var kinds = Set(CloneBackendKind.allCases)
        if clusterSize != nil || extendedL2 != nil { kinds.formIntersection([.qcow2]) }
        if storeSize != nil { kinds.formIntersection([.dmSnapshot, .lvm]) }
        if volumeGroup != nil { kinds.formIntersection([.lvm, .lvmThin]) }
        return kinds
    }

    /// The options that were given, as on the command line.
    var options: String {
        let given = [
            clusterSize.map { _ in "--cluster-size" }, extendedL2.map { _ in "--extended-l2" },
            storeSize.map { _ in "--cow-size" }, volumeGroup.map { _ in "--volume-group" },
        ]
        return given.compactMap(\.self).joined(separator: " and ")
    }

    /// As an artefact remembers them.
    var details: [String: String] {
        var details: [String: String] = [:]
        details[Self.clusterKey] = clusterSize.map(String.init)
        details[Self.extendedKey] = extendedL2.map(String.init)
        details[Self.storeKey] = storeSize.map(String.init)
        details[Self.groupKey] = volumeGroup
        return details
    }

    /// What an artefact remembers; what cannot be used counts as not set.
    init(details: [String: String]) {
        let read = try? CloneSettings(
            clusterSize: details[Self.clusterKey].flatMap { Int($0) },
            extendedL2: details[Self.extendedKey].flatMap { Bool($0) },
            storeSize: details[Self.storeKey].flatMap { Int64($0) }, volumeGroup: details[Self.groupKey])
        self = read ?? .none
    }

    private static let clusterKey = "cluster-size"
    private static let extendedKey = "extended-l2"
    private static let storeKey = "cow-size"
    private static let groupKey = "volume-group"
}
