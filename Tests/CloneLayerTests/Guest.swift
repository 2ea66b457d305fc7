// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import DeviceLayer
import FileLayer
import Foundation
import ToolLayer

/// The virtual machine with Debian's kernel, in which the suite guest-kernel runs these tests again: there are the devices
/// that this machine's kernel may lack, a volume group `drover`, and nobody else who uses them.
enum Guest {
    /// Whether this is it. Elsewhere the backends of block devices are no arguments of any test.
    static let isHere = ProcessInfo.processInfo.environment["DROVER_GUEST"] == "1"

    /// Every how many operations a fault is planted, and in how many steps a disk fills: all of it takes most of an hour.
    static let stride = ProcessInfo.processInfo.environment["DROVER_GUEST_STRIDE"].flatMap { Int($0) } ?? 1

    /// The devices as a site's files are: with its faults, where it has any.
    static func mappings(_ site: CloneSite) -> any MappingAccess {
        let mapper = DeviceMapper(tools: PosixTools())
        return (site.files as? FaultyFiles).map { FaultyMappings(access: mapper, faults: $0) } ?? mapper
    }

    static func volumes(_ site: CloneSite) -> any VolumeAccess {
        let volumes = LogicalVolumes(tools: PosixTools())
        return (site.files as? FaultyFiles).map { FaultyVolumes(access: volumes, faults: $0) } ?? volumes
    }

    /// Takes away what a test left behind that threw, so that it does not count against the next one.
    static func clear() throws {
        try ToolRun.check("dmsetup", "remove_all", "--force", "--deferred")
        for volume in try LogicalVolumes(tools: PosixTools()).volumes(in: "drover") {
            _ = try ToolRun.run("lvremove", ["--yes", "--force", "\(volume.id)"])
        }
        try ToolRun.check("losetup", "--detach-all")
    }

    /// Mappings, loop devices and volumes that are there.
    static func devices() throws -> Set<String> {
        let mappings = try DeviceMapper(tools: PosixTools()).mappings().compactMap { $0.name?.device }
        let volumes = try LogicalVolumes(tools: PosixTools()).volumes(in: "drover").map { "\($0.id)" }
        let loops = try ToolRun.check("losetup", "--list", "--noheadings", "--output", "BACK-FILE").split(
            separator: "\n")
        return Set(mappings + volumes + loops.map { String($0.drop { $0 == " " }) })
    }
}
