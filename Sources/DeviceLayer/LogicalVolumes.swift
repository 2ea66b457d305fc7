// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import ToolLayer

/// This host's LVM, through its programs.
package struct LogicalVolumes: VolumeAccess {
    private let tools: any ToolAccess
    /// LVM waits for other commands and for slow disks.
    private static let patience = Duration.seconds(180)

    package init(tools: any ToolAccess) { self.tools = tools }

    package func group(_ name: String) throws(DeviceError) -> VolumeGroup? {
        let rows: [[String: String]]
        do throws(DeviceError) {
            rows = try report("vgs", "vg", ["vg_name", "vg_size", "vg_free", "vg_extent_size"], [name])
        } catch {
            guard error.cause == .notFound else { throw error }
            return nil
        }
        guard let row = rows.first, let size = row.bytes("vg_size"), let free = row.bytes("vg_free"),
            let extent = row.bytes("vg_extent_size")
        else { return nil }
        return VolumeGroup(name: name, size: size, free: free, extentSize: extent)
    }

    package func volumes(in group: String?) throws(DeviceError) -> [Volume] {
        let fields = [
            "vg_name", "lv_name", "lv_size", "lv_tags", "lv_attr", "origin", "pool_lv", "data_percent",
            "metadata_percent",
            "snap_percent",
        ]
        return try report("lvs", "lv", fields, group.map { [$0] } ?? []).compactMap { row in
            guard let group = row["vg_name"], let name = row["lv_name"], let size = row.bytes("lv_size") else {
                return nil
            }
            // lvs(8): type, permission, allocation, fixed minor, state, open, …
            let attributes = Array((row["lv_attr"] ?? "").utf8)
            let attribute = { (index: Int) -> UInt8 in index < attributes.count ? attributes[index] : 0 }
            let isActive = attribute(4) != UInt8(ascii: "-") && attribute(4) != 0
            return Volume(
                id: VolumeID(group, name), size: size,
                tags: Set((row["lv_tags"] ?? "").split(separator: ",").map(String.init)),
                origin: row.word("origin"), pool: row.word("pool_lv"),
                fill: row.part("snap_percent") ?? row.part("data_percent"), metadataFill: row.part("metadata_percent"),
                isActive: isActive, isOpen: attribute(5) == UInt8(ascii: "o"),
                isReadOnly: attribute(1) == UInt8(ascii: "r"),
                isInvalid: [UInt8(ascii: "I"), UInt8(ascii: "S")].contains(attribute(4)))
        }
    }

    package func createLinear(_ id: VolumeID, bytes: Int64, tags: Set<String>) throws(DeviceError) {
        try run(
            "lvcreate",
            ["--size", "\(bytes.wholeSectors)b", "--wipesignatures", "n", "--zero", "n", "--name", id.name]
                + Self.options(tags)
                + [id.group])
    }

    package func fill(_ id: VolumeID, from file: String) throws(DeviceError) {
        try VolumeCopy(source: file, device: id.path).run()
    }

    package func createSnapshot(
        _ id: VolumeID, of origin: String, bytes: Int64?, tags: Set<String>
    ) throws(DeviceError) {
        let size = bytes.map { ["--size", "\($0.wholeSectors)b"] } ?? ["--extents", "100%ORIGIN"]
        try run(
            "lvcreate", ["--snapshot", "--name", id.name] + size + Self.options(tags) + ["\(id.group)/\(origin)"])
    }

    package func createPool(_ id: VolumeID, percentOfFree percent: Int, tags: Set<String>) throws(DeviceError) {
        try run(
            "lvcreate",
            ["--type", "thin-pool", "--extents", "\(percent)%FREE", "--zero", "n", "--name", id.name]
                + Self.options(tags) + [id.group])
        // A full pool refuses at once, where waiting would hang its machines. lvcreate of some versions takes the option
        // for no pool, and a pool without it serves as well.
        try? run("lvchange", ["--errorwhenfull", "y", "\(id)"])
    }

    package func createThin(
        _ id: VolumeID, over origin: String, in pool: String, tags: Set<String>
    ) throws(DeviceError) {
        try run(
            "lvcreate",
            ["--snapshot", "--setactivationskip", "n", "--thinpool", "\(id.group)/\(pool)", "--name", id.name]
                + Self.options(tags) + ["\(id.group)/\(origin)"])
    }

    package func setActive(_ isActive: Bool, _ id: VolumeID) throws(DeviceError) {
        try run("lvchange", ["--activate", isActive ? "y" : "n", "--ignoreactivationskip", "\(id)"])
    }

    package func makeReadOnly(_ id: VolumeID) throws(DeviceError) {
        try run("lvchange", ["--permission", "r", "\(id)"])
    }

    package func changeTag(of id: VolumeID, from old: String, to new: String) throws(DeviceError) {
        try run("lvchange", ["--deltag", old, "--addtag", new, "\(id)"])
    }

    package func rename(_ id: VolumeID, to name: String) throws(DeviceError) {
        try run("lvrename", [id.group, id.name, name])
    }

    package func remove(_ id: VolumeID) throws(DeviceError) {
        do throws(DeviceError) { try run("lvremove", ["\(id)"]) } catch {
            guard error.cause == .notFound else { throw error }
        }
    }

    private static func options(_ tags: Set<String>) -> [String] { tags.sorted().flatMap { ["--addtag", $0] } }

    private func run(_ tool: String, _ arguments: [String]) throws(DeviceError) {
        do throws(ToolError) {
            try tools.run(ToolCall(tool, ["--quiet", "--yes"] + arguments, limit: Self.patience))
        } catch {
            throw DeviceError(error)
        }
    }

    /// The rows of a report in LVM's JSON; sizes are in bytes.
    private func report(
        _ tool: String, _ kind: String, _ fields: [String], _ names: [String]
    ) throws(DeviceError) -> [[String: String]] {
        let arguments = [
            "--reportformat", "json", "--units", "b", "--nosuffix", "--options", fields.joined(separator: ","),
        ]
        let bytes: [UInt8]
        do throws(ToolError) {
            bytes = try tools.run(ToolCall(tool, arguments + names, limit: Self.patience)).bytes
        } catch {
            throw DeviceError(error)
        }
        guard let report = try? JSONDecoder().decode(Report.self, from: Data(bytes)) else {
            throw DeviceError(.other, "\(tool) answered in a way that cannot be read; is its version very new or old?")
        }
        return report.report.flatMap { $0[kind] ?? [] }
    }

    private struct Report: Decodable {
        let report: [[String: [[String: String]]]]
    }
}

extension [String: String] {
    fileprivate func word(_ field: String) -> String? { self[field].flatMap { $0.isEmpty ? nil : $0 } }
    fileprivate func bytes(_ field: String) -> Int64? { self[field].flatMap { Int64($0) } }
    /// A percentage as a part of 1.
    fileprivate func part(_ field: String) -> Double? { self[field].flatMap { Double($0) }.map { $0 / 100 } }
}

extension Int64 {
    /// LVM takes no other sizes.
    fileprivate var wholeSectors: Int64 {
        let (sum, overflow) = addingReportingOverflow(511)
        return overflow ? self : sum / 512 * 512
    }
}
