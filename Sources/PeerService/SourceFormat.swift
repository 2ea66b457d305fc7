// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer

/// The format of a source image. It is named or follows from the file's extension and is never probed: a guest can write
/// any format's header into its own disk.
package enum SourceFormat: String, Codable, CaseIterable, Sendable {
    case raw, qcow2, vmdk, vhd, vhdx, vdi

    /// The format that `path`'s extension stands for.
    /// - Throws: ``HostFailure`` with `.usage` when it stands for none.
    package init(extensionOf path: String) throws(HostFailure) {
        let suffix = path.lastPathComponent.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
        switch suffix?.lowercased() {
        case "raw", "img": self = .raw
        case "qcow2": self = .qcow2
        case "vmdk": self = .vmdk
        case "vhd", "vpc": self = .vhd
        case "vhdx": self = .vhdx
        case "vdi": self = .vdi
        default:
            let words = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw HostFailure(
                .usage, "the format of \(path) does not follow from its name; say it with --source-format (\(words))")
        }
    }

    /// qemu's name for the format.
    var driver: String { self == .vhd ? "vpc" : rawValue }

    /// Refuses an image that refers to other files, which a conversion would follow to wherever they point.
    func checkSelfContained(_ path: String, files: any FileAccess) throws {
        let file = try files.open(path, .read)
        let size = try file.size()
        switch self {
        case .raw, .vhdx, .vdi: return
        case .qcow2:
            let head = try Self.bytes(file, at: 0, count: Int(min(size, Int64(Qcow2Header.inspectionLimit))))
            do {
                try Qcow2Header.inspect(head, fileSize: size).checkSelfContained()
            } catch {
                throw HostFailure(.failed, "\(path) cannot be a source: \(error)")
            }
        case .vhd:
            // A differencing disk reads as zeros where its parent should be: qemu does not follow the parent.
            let footer = try Self.bytes(file, at: max(0, size - 512), count: Int(min(size, 512)))
            guard footer.count == 512, footer.starts(with: Array("conectix".utf8)) else {
                throw HostFailure(.failed, "\(path) is not a VHD: its footer is missing; name its real format")
            }
            guard footer[60..<64].elementsEqual([0, 0, 0, 2]) || footer[60..<64].elementsEqual([0, 0, 0, 3]) else {
                throw HostFailure(.failed, "\(path) is a differencing VHD; merge it with its parent first")
            }
        case .vmdk:
            // Only a sparse extent that holds its own descriptor is whole in one file.
            guard try Self.bytes(file, at: 0, count: 4).elementsEqual(Array("KDMV".utf8)) else {
                throw HostFailure(
                    .failed, "\(path) is not a monolithic sparse VMDK; convert it to one first, or to qcow2")
            }
        }
    }

    private static func bytes(_ file: any OpenFile, at offset: Int64, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return Array(bytes.prefix(read))
    }
}
