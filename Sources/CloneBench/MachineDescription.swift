// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// The machine a benchmark ran on, as far as it matters for the figures.
package struct MachineDescription: Equatable, Codable, Sendable {
    package var processor: String
    package var processors: Int
    /// In bytes.
    package var memory: Int64
    package var kernel: String
    /// Whether the processor says that it is a hypervisor's.
    package var isVirtual: Bool
    /// The file system that holds the scratch folder, such as `xfs`, and the device it lies on.
    package var fileSystem: String
    package var device: String
    package var fio: String
    /// The version of what opens the disks.
    package var qemu: String

    package init(
        processor: String, processors: Int, memory: Int64, kernel: String, isVirtual: Bool, fileSystem: String,
        device: String, fio: String, qemu: String
    ) {
        self.processor = processor
        self.processors = processors
        self.memory = memory
        self.kernel = kernel
        self.isVirtual = isVirtual
        self.fileSystem = fileSystem
        self.device = device
        self.fio = fio
        self.qemu = qemu
    }

    /// - Parameters:
    ///   - folder: where the benchmark works.
    ///   - qemu: what opens the disks.
    /// - Throws: ``BenchError`` when that or fio is missing.
    static func here(_ folder: String, qemu: BenchTool) async throws -> MachineDescription {
        let processor = text("/proc/cpuinfo").split(separator: "\n")
        func field(_ name: String) -> Substring? {
            processor.first { $0.hasPrefix(name) }?.split(separator: ":", maxSplits: 1).last
        }
        let mount = mount(of: folder)
        return MachineDescription(
            processor: field("model name").map { String($0.drop { $0 == " " }) } ?? "unknown",
            processors: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            memory: Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))),
            kernel: kernel,
            isVirtual: field("flags")?.split(separator: " ").contains("hypervisor") ?? false,
            fileSystem: mount?.type ?? "unknown", device: mount?.device ?? "unknown",
            fio: try await BenchTool.fio.version(),
            qemu: try await qemu.version())
    }

    /// The version of the running kernel.
    static var kernel: String {
        var system = utsname()
        uname(&system)
        return withUnsafeBytes(of: &system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The load of the last minute: how many processes wanted to run.
    static var load: Double { text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? 0 }

    /// The mount with the longest path that leads to `folder`.
    private static func mount(of folder: String) -> (type: String, device: String)? {
        var best: (length: Int, type: String, device: String)?
        for line in text("/proc/self/mountinfo").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 2, dash > 4 else { continue }
            let point = words[4]
            guard point == "/" || folder == point || folder.hasPrefix(point + "/"), point.count >= best?.length ?? 0
            else { continue }
            best = (point.count, words[dash + 1], words[dash + 2])
        }
        return best.map { ($0.type, $0.device) }
    }

    private static func text(_ path: String) -> String {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
