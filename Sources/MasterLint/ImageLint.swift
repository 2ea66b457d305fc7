// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import SystemPackage

/// Looks into an image, without mounting it, for what its clones must not have in common.
package struct ImageLint {
    /// Findings that are told; an image made to have more says nothing more.
    private static let mostFindings = 100
    private static let swapHeader: Int64 = 4096
    private static let readLength = 1 << 20

    private let path: String
    private let files: any FileAccess

    /// - Parameter path: the raw image.
    package init(_ path: String, files: any FileAccess) {
        self.path = path
        self.files = files
    }

    /// - Parameter progress: told how many parts were looked into, of how many.
    /// - Throws: `FileError` when the image cannot be read; `CancellationError`. What cannot be understood is no error, it
    ///   stands in the report.
    package func run(progress: @Sendable (Int, Int) -> Void = { _, _ in }) async throws -> LintReport {
        let image = try files.open(path, .read)
        let descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
        defer { try? descriptor.close() }
        var report = LintReport()
        let partitions = try PartitionTable.partitions(of: image)
        for (index, partition) in partitions.enumerated() {
            try Task.checkCancellation()
            progress(index, partitions.count)
            let kind = try FileSystemKind.probe(image, partition)
            var place = LintReport.Place(
                name: partition.name, kind: kind, offset: partition.offset, length: partition.length)
            do {
                report.findings += try await look(image, descriptor, partition, kind)
            } catch let obstacle as LintObstacle {
                place.obstacle = obstacle.description
            }
            report.places.append(place)
        }
        report.findings = Array(report.findings.prefix(Self.mostFindings))
        return report
    }

    private func look(
        _ image: any OpenFile, _ descriptor: FileDescriptor, _ partition: Partition, _ kind: FileSystemKind
    ) async throws -> [LintReport.Finding] {
        switch kind {
        case .ext: try await apply(ExtFileSystem(descriptor, offset: partition.offset), partition)
        // A boot partition holds no identity.
        case .fat: []
        case .swap: try swapContent(image, partition)
        case .xfs, .btrfs, .lvm:
            throw LintObstacle(
                "there is no way yet to look into \(kind.rawValue); check it by hand, with guestfish --ro -a \(path) -i"
            )
        case .luks: throw LintObstacle("it is encrypted; check it before it is locked")
        case .unknown: throw LintObstacle("no file system was found in it")
        }
    }

    /// Applies the rules to a file system that is the guest's root or its /var.
    private func apply(
        _ fileSystem: some GuestFileSystem, _ partition: Partition
    ) async throws -> [LintReport.Finding] {
        let root = Set(try await fileSystem.files(in: "/")?.map(\.name) ?? [])
        guard let base = root.contains("etc") ? "" : root.isSuperset(of: ["lib", "log"]) ? "/var" : nil else {
            return []
        }
        var findings: [LintReport.Finding] = []
        var known: [String: [GuestFile]] = [:]
        for rule in LintRule.all where rule.folder.hasPrefix(base) {
            let folder = String(rule.folder.dropFirst(base.count))
            // checked: a dictionary.
            if known[folder] == nil { known[folder] = try await fileSystem.files(in: folder) ?? [] }
            for file in known[folder] ?? [] where rule.names(file.name) {
                guard findings.count < Self.mostFindings, try await holds(rule.test, file, in: folder, fileSystem)
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

    private func holds(
        _ test: LintRule.Test, _ file: GuestFile, in folder: String, _ fileSystem: some GuestFileSystem
    ) async throws -> Bool {
        switch test {
        case .isThere: true
        case .isFilled: file.kind == .regular && file.size > 0
        case .holdsMachineID:
            // Rules of this kind match one plain name, so that no name of the image's gets into a request.
            if file.kind == .regular, file.size > 0, file.size < 1024 {
                LintRule.isMachineID(try await fileSystem.contents(of: "\(folder)/\(file.name)"))
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
            try Task.checkCancellation()
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
