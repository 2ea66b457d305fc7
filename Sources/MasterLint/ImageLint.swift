// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import Glibc
package import ToolLayer

/// Looks into an image, without mounting it, for what its clones must not have in common.
package struct ImageLint {
    /// Findings that are told; an image made to have more says nothing more.
    private static let mostFindings = 100
    private static let swapHeader: Int64 = 4096
    private static let readLength = 1 << 20

    private let path: String
    private let files: any FileAccess
    private let tools: any ToolAccess

    /// - Parameter path: the raw image.
    package init(_ path: String, files: any FileAccess, tools: any ToolAccess) {
        self.path = path
        self.files = files
        self.tools = tools
    }

    /// Blocks.
    /// - Parameters:
    ///   - progress: told how many parts were looked into, of how many.
    ///   - isCancelled: asked before each of them.
    /// - Throws: `FileError` when the image cannot be read; `CancellationError`. What cannot be understood is no error, it
    ///   stands in the report.
    package func run(
        progress: @Sendable (Int, Int) -> Void = { _, _ in }, isCancelled: @Sendable () -> Bool = { false }
    ) throws -> LintReport {
        let image = try files.open(path, .read)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FileError(.denied, operation: "open", path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var report = LintReport()
        var hasRoot = false
        let partitions = try PartitionTable.partitions(of: image)
        for (index, partition) in partitions.enumerated() {
            if isCancelled() { throw CancellationError() }
            progress(index, partitions.count)
            let kind = try FileSystemKind.probe(image, partition)
            var place = LintReport.Place(
                name: partition.name, kind: kind, offset: partition.offset, length: partition.length)
            do {
                report.findings += try look(image, descriptor, partition, kind, &hasRoot)
            } catch let obstacle as LintObstacle {
                place.obstacle = obstacle.description
            }
            report.places.append(place)
        }
        report.findings = Array(report.findings.prefix(Self.mostFindings))
        if !hasRoot, report.isComplete {
            report.places.append(
                LintReport.Place(
                    name: "whole image", kind: .unknown, offset: 0, length: try image.size(),
                    obstacle: "the root of a guest was not found in it; check it by hand"))
        }
        return report
    }

    private func look(
        _ image: any OpenFile, _ descriptor: Int32, _ partition: Partition, _ kind: FileSystemKind,
        _ hasRoot: inout Bool
    ) throws -> [LintReport.Finding] {
        guard partition.length > 0 else {
            throw LintObstacle("it does not lie within the image, which may be cut off or have a damaged table")
        }
        switch kind {
        case .ext:
            if try Self.needsReplay(image, partition) {
                throw LintObstacle(
                    "its journal was not replayed, as after a power cut, so that names may be missing; shut the guest down "
                        + "cleanly, or run e2fsck on it")
            }
            return try apply(
                ExtFileSystem(descriptor, offset: partition.offset, tools: tools), partition, &hasRoot)
        case .fat:
            let fileSystem = try FatFileSystem(image, partition)
            return try findings(LintRule.boot, below: "", of: fileSystem.files(in: "/") ?? [], fileSystem, partition)
        case .swap: return try swapContent(image, partition)
        case .xfs, .btrfs, .lvm:
            throw LintObstacle(
                "there is no way yet to look into \(kind.rawValue); check it by hand, with guestfish --ro -a \(path) -i"
            )
        case .luks: throw LintObstacle("it is encrypted; check it before it is locked")
        case .unknown: throw LintObstacle("no file system was found in it")
        }
    }

    /// Bit 2 of the incompatible features in the superblock, which begins at 1,024: "needs recovery".
    private static func needsReplay(_ image: any OpenFile, _ partition: Partition) throws -> Bool {
        let features = try image.bytes(at: partition.offset + 1024 + 96, count: 4).littleEndian(UInt32.self, at: 0)
        return (features ?? 0) & 4 != 0
    }

    /// What is at the root of a file system that holds kernels and boot loaders only.
    private static let bootNames = ["vmlinuz", "grub", "efi", "loader", "initrd", "extlinux", "syslinux", "config-"]

    /// Applies the rules to a file system that is the guest's root or its /var.
    private func apply(
        _ fileSystem: some GuestFileSystem, _ partition: Partition, _ hasRoot: inout Bool
    ) throws -> [LintReport.Finding] {
        let entries = try fileSystem.files(in: "/") ?? []
        let root = Set(entries.map(\.name))
        guard let base = root.contains("etc") ? "" : root.isSuperset(of: ["lib", "log"]) ? "/var" : nil else {
            let isBoot = root.contains { name in Self.bootNames.contains { name.lowercased().hasPrefix($0) } }
            guard isBoot || root.subtracting(["lost+found"]).isEmpty else {
                throw LintObstacle("it is neither a guest's root nor its /var nor its /boot; check it by hand")
            }
            return []
        }
        if base.isEmpty { hasRoot = true }
        return try findings(LintRule.all, below: base, of: entries, fileSystem, partition)
    }

    /// - Parameters:
    ///   - base: where the file system lies in the guest; rules for elsewhere do not apply.
    ///   - entries: what is in its root.
    private func findings(
        _ rules: [LintRule], below base: String, of entries: [GuestFile], _ fileSystem: some GuestFileSystem,
        _ partition: Partition
    ) throws -> [LintReport.Finding] {
        var findings: [LintReport.Finding] = []
        var known: [String: [GuestFile]] = [:]
        for rule in rules where rule.folder.hasPrefix(base) {
            let folder = String(rule.folder.dropFirst(base.count))
            // checked: a dictionary.
            if known[folder] == nil { known[folder] = try content(of: folder, entries, fileSystem) }
            for file in known[folder] ?? [] where rule.names(file.name) {
                guard findings.count < Self.mostFindings, try holds(rule.test, file, in: folder, fileSystem)
                else {
                    continue
                }
                findings.append(
                    LintReport.Finding(
                        id: rule.id, place: partition.name, path: "\(rule.folder)/\(file.name.unicodeScalars.shown)",
                        what: rule.what, why: rule.why, repair: rule.repair))
            }
        }
        return findings
    }

    /// What is in a folder; nothing when it is not there. debugfs does not follow a link at a path's end, and says of what
    /// it stands for that it is not there.
    private func content(
        of path: String, _ root: [GuestFile], _ fileSystem: some GuestFileSystem
    ) throws -> [GuestFile] {
        var entries = root
        var place = ""
        for name in path.split(separator: "/") {
            guard let entry = entries.first(where: { $0.name == name }) else { return [] }
            place += "/\(name)"
            guard entry.kind != .link else {
                throw LintObstacle("\(place) in it is a link, which is not followed; check it by hand")
            }
            guard entry.kind == .directory else { return [] }
            entries = try fileSystem.files(in: place) ?? []
        }
        return entries
    }

    private func holds(
        _ test: LintRule.Test, _ file: GuestFile, in folder: String, _ fileSystem: some GuestFileSystem
    ) throws -> Bool {
        switch test {
        case .isThere: true
        case .isFilled: file.kind == .regular && file.size > 0
        case .holdsMachineID:
            // Rules of this kind match one plain name, so that no name of the image's gets into a request.
            if file.kind == .regular, file.size > 0, file.size < 1024 {
                LintRule.isMachineID(try fileSystem.contents(of: "\(folder)/\(file.name)"))
            } else {
                false
            }
        }
    }

    /// Swap space is a finding when more than its header was ever written.
    private func swapContent(_ image: any OpenFile, _ partition: Partition) throws -> [LintReport.Finding] {
        // checked: partitions lie within the image, whose size is an Int64.
        let end = partition.offset + partition.length
        var position = partition.offset + Self.swapHeader
        while position < end, let data = try image.nextData(from: position), data.lowerBound < end {
            position = max(position, data.lowerBound)
            let upper = min(data.upperBound, end)
            while position < upper {
                let bytes = try image.bytes(at: position, count: min(Self.readLength, Int(upper - position)))
                guard bytes.allSatisfy({ $0 == 0 }) else {
                    return [
                        LintReport.Finding(
                            id: "swap-content", place: partition.name, path: "swap space",
                            what: "there is something in the swap space",
                            why:
                                "it may be the memory of the machine the image was made on, with its keys and passwords",
                            repair: "mkswap the partition anew after filling it with zeros, with the same UUID")
                    ]
                }
                if bytes.isEmpty { return [] }
                position += Int64(bytes.count)
            }
        }
        return []
    }
}
