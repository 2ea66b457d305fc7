// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A virtual machine that holds a disk and does nothing else.
struct VirtualMachine {
    private let process: ChildProcess

    /// Starts it and waits until it has its disk. Only qemu's own word says when: trying the image's lock meanwhile could
    /// take it from qemu.
    init(_ fleet: Fleet, disk: String, format: String) async throws {
        try await self.init(
            fleet, command: "qemu-system-x86_64 -m 64 -nodefaults -drive file=\(disk),format=\(format),if=virtio",
            disk: disk)
    }

    /// Starts one by a command line for a shell, to which only is added that it shall stand still and take orders.
    init(_ fleet: Fleet, command: String, disk: String) async throws {
        let socket = fleet.path("qmp")
        let process = try fleet.start(
            "sh", ["-c", "exec \(command) -S -display none -qmp unix:\(socket),server=on,wait=off"])
        self.process = process
        let monitor = try await eventually("the machine takes orders") { () throws -> Int32? in
            if process.exitStatus != nil { throw TestFailure("qemu ended: \(process.errors)") }
            return Self.connect(socket)
        }
        defer { close(monitor) }
        // Orders are answered in the main loop, which begins when every device is there.
        for order in [#"{"execute":"qmp_capabilities"}"#, #"{"execute":"query-block"}"#] {
            guard write(monitor, order, order.utf8.count) == order.utf8.count else {
                throw TestFailure("qemu takes no orders: \(process.errors)")
            }
        }
        var answer: [UInt8] = []
        try await eventually("the machine has its disk") {
            if process.exitStatus != nil { throw TestFailure("qemu ended: \(process.errors)") }
            var part = [UInt8](repeating: 0, count: 4096)
            let count = recv(monitor, &part, part.count, Int32(MSG_DONTWAIT))
            if count > 0 { answer += part.prefix(count) }
            return String(decoding: answer, as: UTF8.self).contains(disk)
        }
    }

    func kill() { process.kill() }

    private static func connect(_ path: String) -> Int32? {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: name.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
