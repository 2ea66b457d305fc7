// SPDX-License-Identifier: Apache-2.0

import Glibc
package import ToolLayer

/// This host's device-mapper, through dmsetup and loop devices.
package struct DeviceMapper: MappingAccess {
    private let tools: any ToolAccess

    private static let control = "/dev/mapper/control"
    private static let modules = ["dm-snapshot": "snapshot", "dm-thin-pool": "thin-pool"]

    package init(tools: any ToolAccess) { self.tools = tools }

    package func targets() throws(DeviceError) -> Set<String> {
        guard geteuid() == 0 else { throw DeviceError(.denied, "device-mapper needs root") }
        if !hasDriver { _ = try? tools.run(ToolCall("modprobe", ["--quiet", "dm-mod"])) }
        guard hasDriver else { throw DeviceError(.unsupported, "this kernel has no device-mapper") }
        var found = try listTargets()
        let absent = Self.modules.filter { !found.contains($0.value) }
        if !absent.isEmpty {
            // Built in, a module or absent: only the list that follows tells.
            for module in absent.keys.sorted() { _ = try? tools.run(ToolCall("modprobe", ["--quiet", module])) }
            found = try listTargets()
        }
        return found
    }

    /// Whether the kernel answers: the node may be there without it.
    private var hasDriver: Bool {
        let descriptor = open(Self.control, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == EACCES || errno == EPERM }
        close(descriptor)
        return true
    }

    private func listTargets() throws(DeviceError) -> Set<String> {
        let text = try ask(["targets"])
        return Set(text.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
    }

    package func mappings() throws(DeviceError) -> [Mapping] {
        // Without the driver there is no mapping; dmsetup would complain.
        guard hasDriver else { return [] }
        guard geteuid() == 0 else { throw DeviceError(.denied, "device-mapper needs root") }
        do throws(DeviceError) { return try listMappings() } catch {
            // A device of somebody else's may go between the kernel's list and the question about it.
            guard error.cause == .notFound else { throw error }
            return try listMappings()
        }
    }

    private func listMappings() throws(DeviceError) -> [Mapping] {
        let columns = ["--columns", "--noheadings", "--separator", "|", "--options", "name,open,uuid"]
        let list = try ask(["info"] + columns).split(separator: "\n").map {
            $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
        var states: [String: MappingState] = [:]
        for line in try ask(["status", "--noflush"]).split(separator: "\n") {
            // A device's name holds no colon that is not part of it, and none of ours holds one.
            guard let colon = line.firstIndex(of: ":") else { continue }
            states[String(line[..<colon])] = MappingState(status: line[line.index(after: colon)...])
        }
        return list.compactMap { fields in
            guard fields.count == 3, let count = Int(fields[1]) else { return nil }
            return Mapping(
                name: MappingName(uuid: fields[2]), device: fields[0], openCount: count,
                state: states[fields[0]] ?? .other)
        }
    }

    package func add(_ plan: MappingPlan) throws(DeviceError) {
        // The loop devices are let go at the end: by then the mapping holds them, or nobody does.
        var loops: [LoopDevice] = []
        func attach(_ file: String, isReadOnly: Bool) throws(DeviceError) -> String {
            let loop = try LoopDevice(file, isReadOnly: isReadOnly)
            loops.append(loop)
            return loop.path
        }
        let words: String
        switch plan.target {
        case .snapshot(let origin, let store, let chunkSectors):
            let below = try attach(origin, isReadOnly: true)
            words = "snapshot \(below) \(try attach(store, isReadOnly: false)) P \(chunkSectors)"
        case .thinPool(let metadata, let data, let blockSectors):
            let tree = try attach(metadata, isReadOnly: false)
            // Blocks of the origin are copied or overwritten, never handed out unwritten, so zeroing buys nothing; a full
            // pool fails at once, where waiting would hang its machines.
            words =
                "thin-pool \(tree) \(try attach(data, isReadOnly: false)) \(blockSectors) 0 2 skip_block_zeroing "
                + "error_if_no_space"
        case .thin(let pool, let id, let origin):
            words = "thin \(pool.path) \(id) \(try attach(origin, isReadOnly: true))"
        }
        try ask([
            "create", plan.name.device, "--uuid", plan.name.uuid, "--table", "0 \(plan.sectors) \(words)",
        ])
        withExtendedLifetime(loops) {}
    }

    package func remove(_ name: MappingName) throws(DeviceError) {
        do throws(DeviceError) { try ask(["remove", "--retry", "--uuid", name.uuid]) } catch {
            guard error.cause == .notFound else { throw error }
        }
    }

    package func createThin(_ id: Int, in pool: MappingName) throws(DeviceError) {
        do throws(DeviceError) { try send("create_thin \(id)", to: pool) } catch {
            guard error.cause == .exists else { throw error }
            try send("delete \(id)", to: pool)
            try send("create_thin \(id)", to: pool)
        }
    }

    package func deleteThin(_ id: Int, in pool: MappingName) throws(DeviceError) {
        do throws(DeviceError) { try send("delete \(id)", to: pool) } catch {
            guard error.cause == .notFound else { throw error }
        }
    }

    private func send(_ message: String, to pool: MappingName) throws(DeviceError) {
        try ask(["message", "--uuid", pool.uuid, "0", message])
    }

    @discardableResult
    private func ask(_ arguments: [String]) throws(DeviceError) -> String {
        do throws(ToolError) {
            return try tools.run(ToolCall("dmsetup", arguments)).text
        } catch {
            throw DeviceError(error)
        }
    }
}
