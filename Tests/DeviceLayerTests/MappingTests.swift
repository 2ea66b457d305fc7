// SPDX-License-Identifier: Apache-2.0

import DeviceLayer
import Testing
import ToolLayer

/// What the kernel and LVM say, read as values.
@Suite struct MappingTests {
    @Test func `a mapping's identifier says whose it is`() {
        let name = MappingName(owner: "0a1b2c3d4e5f", part: "web-1")
        #expect(name.path == "/dev/mapper/drover@web-1")
        #expect(MappingName(uuid: name.uuid) == name)
        for other in ["", "LVM-abc", "DROVER-", "DROVER-x", "DROVER--x", "DROVER-x-", "drover-a-b"] {
            #expect(MappingName(uuid: other) == nil, "\(other)")
        }
    }

    @Test(arguments: [
        ("0 4097 snapshot 16/8224 16", MappingState.snapshot(used: 16, total: 8224)),
        (" 0 4097 snapshot Invalid", .invalidSnapshot), ("0 4097 snapshot Merge failed", .invalidSnapshot),
        ("0 4097 snapshot Overflow", .invalidSnapshot), ("0 4097 snapshot", .invalidSnapshot),
        (
            "0 131072 thin-pool 0 11/1024 7/1024 - rw discard_passdown error_if_no_space - 1024",
            .thinPool(usedData: 7, totalData: 1024, usedMetadata: 11, totalMetadata: 1024, isReadOnly: false)
        ),
        (
            "0 131072 thin-pool 0 11/1024 1024/1024 - out_of_data_space discard_passdown error_if_no_space - 1024",
            .thinPool(usedData: 1024, totalData: 1024, usedMetadata: 11, totalMetadata: 1024, isReadOnly: true)
        ),
        ("0 131072 thin-pool Fail", .failed), ("0 131072 thin-pool 0 1/0 1/2 - rw", .failed),
        ("0 4097 thin 896 4095", .thin(mappedSectors: 896)), ("0 4097 thin 0 -", .thin(mappedSectors: 0)),
        ("0 4097 thin Fail", .failed), ("0 4097 linear", .other), ("", .other), ("0 1", .other),
    ])
    func `a line of status is read`(_ line: String, _ state: MappingState) {
        #expect(MappingState(status: line) == state)
    }

    @Test(arguments: [
        ("device-mapper: create ioctl on x failed: Device or resource busy", DeviceError.Cause.busy),
        ("Volume group \"drover\" has insufficient free space (1 extents): 3 required.", .noSpace),
        ("Volume group \"drover\" not found", .notFound),
        ("Logical Volume \"web\" already exists in volume group \"drover\"", .exists),
        ("/dev/mapper/control: open failed: Permission denied", .denied), ("something else", .other),
    ])
    func `a program's words say what a failure means`(_ words: String, _ cause: DeviceError.Cause) {
        #expect(DeviceError(ToolError(.exit(5), ToolCall("lvcreate", []), words: words)).cause == cause)
    }

    @Test func `a volume group's name cannot be an option or a path`() {
        for good in ["drover", "vg0", "a.b_c+d-e"] { #expect(VolumeID.isValid(group: good)) }
        for bad in ["", "-x", "--all", "a/b", ".", "..", "a b", "é", String(repeating: "x", count: 128)] {
            #expect(!VolumeID.isValid(group: bad), "\(bad)")
        }
    }

    @Test func `LVM's reports are read`() throws {
        let tools = CannedTools(answers: [
            "vgs": """
            {"report":[{"vg":[{"vg_name":"drover","vg_size":"1069547520","vg_free":"4194304","vg_extent_size":"4194304"}]}]}
            """,
            "lvs": """
            {"report":[{"lv":[
            {"vg_name":"drover","lv_name":"debian+3","lv_size":"4194304","lv_tags":"drover.ab.master","lv_attr":"ori-a-----","origin":"",
            "pool_lv":"","data_percent":"","metadata_percent":"","snap_percent":""},
            {"vg_name":"drover","lv_name":"web-1","lv_size":"4194304","lv_tags":"a,b","lv_attr":"swi-aos---","origin":"debian+3",
            "pool_lv":"","data_percent":"12.50","metadata_percent":"","snap_percent":"12.50"},
            {"vg_name":"drover","lv_name":"web-2","lv_size":"4194304","lv_tags":"","lv_attr":"swi-I-s---","origin":"debian+3",
            "pool_lv":"","data_percent":"100.00","metadata_percent":"","snap_percent":"100.00"}]}]}
            """,
        ])
        let lvm = LogicalVolumes(tools: tools)
        let group = try #require(try lvm.group("drover"))
        #expect(group.free == 4 << 20 && group.extentSize == 4 << 20)
        let volumes = try lvm.volumes(in: "drover")
        #expect(volumes.map(\.id.name) == ["debian+3", "web-1", "web-2"])
        #expect(volumes[0].isReadOnly && volumes[0].isActive && !volumes[0].isOpen && volumes[0].fill == nil)
        #expect(volumes[1].isOpen && volumes[1].fill == 0.125 && volumes[1].tags == ["a", "b"])
        #expect(volumes[2].isInvalid && volumes[2].origin == "debian+3")
        #expect(throws: DeviceError.self) {
            try LogicalVolumes(tools: CannedTools(answers: ["lvs": "{"])).volumes(in: "x")
        }
    }
}

/// Programs that say one thing each.
private struct CannedTools: ToolAccess {
    let answers: [String: String]

    func run(
        _ call: ToolCall, isStopped: () -> Bool, receive: ((ArraySlice<UInt8>) -> Void)?
    ) throws(ToolError) -> ToolOutput {
        guard let answer = answers[call.tool] else { throw ToolError(.missing, call, words: "") }
        return ToolOutput(bytes: Array(answer.utf8))
    }

    func find(_ tool: String) -> String? { answers[tool] == nil ? nil : "/usr/sbin/\(tool)" }
}
