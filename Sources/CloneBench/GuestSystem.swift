// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials
import Glibc

/// A guest's first and only file system, made of this host's own programs: busybox, fio with its libraries, and the modules
/// of virtio disks. The guest runs what its second disk says and ends.
struct GuestSystem {
    let kernel: GuestKernel
    /// The archive that the kernel unpacks.
    let archive: String

    /// What virtio disks on PCI need. Kernels may have them built in.
    private static let modules = ["virtio_pci", "virtio_blk"]
    private static let loader = BenchTool(name: "ldd", package: "libc-bin")

    /// Writes it.
    /// - Parameter path: where.
    /// - Throws: ``BenchError`` when a program or a module is missing.
    init(_ kernel: GuestKernel, at path: String) async throws {
        self.kernel = kernel
        archive = path
        var system = CpioArchive()
        for folder in ["proc", "sys", "dev", "tmp"] { system.addFolder(folder) }
        var libraries: Set<String> = []
        // kmod under this name loads modules, packed ones too.
        for (tool, place) in [(BenchTool.busybox, "busybox"), (.fio, "fio"), (.kmod, "insmod")] {
            let program = try tool.path()
            system.add("bin/\(place)", try Self.content(program), mode: 0o755)
            libraries.formUnion(try await Self.libraries(of: program))
        }
        for library in libraries.sorted() { system.add(library, try Self.content(library), mode: 0o755) }
        let index = String(decoding: try Self.content("\(kernel.modules)/modules.dep"), as: UTF8.self)
        let modules = GuestKernel.files(of: Self.modules, in: index)
        for module in modules { system.add("modules/\(module)", try Self.content("\(kernel.modules)/\(module)")) }
        system.add("init", Array(Self.start(loading: modules).utf8), mode: 0o755)
        do {
            try PosixFiles().replace(path, with: system.finished())
        } catch {
            throw BenchError(error)
        }
    }

    /// The second serial port is for results alone; on the first one the kernel speaks.
    private static func start(loading modules: [String]) -> String {
        """
        #!/bin/busybox sh
        export PATH=/bin
        busybox mount -t proc none /proc
        busybox mount -t sysfs none /sys
        busybox mount -t devtmpfs none /dev
        \(modules.map { "insmod /modules/\($0)" }.joined(separator: "\n"))
        busybox stty -F /dev/ttyS1 raw
        busybox sh /dev/vdb >/dev/ttyS1 2>&1
        busybox poweroff -f

        """
    }

    /// The libraries a program is loaded with, the loader among them; none for a static one.
    private static func libraries(of program: String) async throws -> [String] {
        let listed = try await loader.run([program], seconds: 20)
        if listed.status != 0, (listed.output + listed.errors).contains("not a dynamic executable") { return [] }
        guard listed.status == 0, !listed.output.contains("=> not found") else {
            throw BenchError(.failed, "the libraries of \(program) cannot be told: \(listed.reason)")
        }
        // “libz.so.1 => /lib/libz.so.1 (0x…)” or “/lib64/ld-linux-x86-64.so.2 (0x…)”; the kernel's own has no path.
        return listed.output.split(separator: "\n").compactMap { line in
            line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first { $0.hasPrefix("/") }.map(String.init)
        }
    }

    private static func content(_ path: String) throws(BenchError) -> Data {
        do {
            return try Data(contentsOf: URL(filePath: path))
        } catch {
            throw BenchError(.failed, "cannot read \(path) for the guest: \(error)")
        }
    }
}
