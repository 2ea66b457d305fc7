// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// A kernel for guests, with its modules beside it: `boot/vmlinuz-VERSION` and `lib/modules/VERSION` below one folder.
package struct GuestKernel: Equatable, Sendable {
    package let image: String
    package let version: String
    package let modules: String

    private static let advice =
        "install Debian's (apt-get install linux-image-amd64), or name one such as /boot/vmlinuz-6.1.0-44-amd64 with "
        + "--kernel, whose modules lie in ../lib/modules beside its folder"

    /// - Parameter path: absolute; `nil` for one in /boot, the running one before others.
    /// - Throws: ``BenchError`` when it or its modules are missing.
    package init(_ path: String?) throws(BenchError) {
        guard let image = path ?? Self.installed else {
            throw BenchError(.failed, "there is no kernel in /boot to boot guests with; \(Self.advice)")
        }
        let name = image.split(separator: "/").last.map(String.init) ?? ""
        guard access(image, R_OK) == 0 else {
            throw BenchError(.notFound, "there is no kernel \(image) that can be read; \(Self.advice)")
        }
        guard name.hasPrefix("vmlinuz-") else {
            throw BenchError(.usage, "\(image) is not named vmlinuz-VERSION as kernels are; \(Self.advice)")
        }
        self.image = image
        version = String(name.dropFirst("vmlinuz-".count))
        let boot = image.dropLast(name.count + 1)
        modules = "\(boot.prefix(upTo: boot.lastIndex(of: "/") ?? boot.startIndex))/lib/modules/\(version)"
        guard access("\(modules)/modules.dep", R_OK) == 0 else {
            throw BenchError(.notFound, "there are no modules of \(image) in \(modules); \(Self.advice)")
        }
    }

    private static var installed: String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/boot")) ?? []
        let kernels = names.filter { $0.hasPrefix("vmlinuz-") }.sorted()
        let running = "vmlinuz-\(MachineDescription.kernel)"
        return (kernels.contains(running) ? running : kernels.last).map { "/boot/\($0)" }
    }

    /// The files of some modules and of what they need, in the order in which they are loaded.
    /// - Parameters:
    ///   - names: with underscores.
    ///   - index: the text of `modules.dep`: `FILE: FILE…`, what is needed first last.
    /// - Returns: paths below ``modules``; nothing for a module that is built into the kernel.
    package static func files(of names: [String], in index: String) -> [String] {
        var files: [String] = []
        for line in index.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard let file = parts.first, names.contains(name(of: file)) else { continue }
            let needed = parts.dropFirst().first?.split(separator: " ").reversed() ?? []
            for file in needed + [file] where !files.contains(String(file)) { files.append(String(file)) }
        }
        return files
    }

    /// `kernel/drivers/block/virtio-blk.ko.xz` is `virtio_blk`.
    private static func name(of file: Substring) -> String {
        let last = file.split(separator: "/").last ?? file
        return String(last.prefix { $0 != "." }.map { $0 == "-" ? "_" : $0 })
    }
}
