// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import ImageHeaders

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

    /// Checks the headers of an image from outside before anything else reads it: it must hold together, be whole in its
    /// one file and name no other.
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``HostFailure`` with the reason, or what the reader throws.
    func check(_ image: ForeignImage, called path: String) throws -> UInt64 {
        do {
            switch self {
            case .raw: return UInt64(clamping: image.size)
            case .qcow2: return try Qcow2Header.check(image)
            case .vmdk: return try VmdkHeader.check(image)
            case .vhd: return try VhdFooter.check(image)
            case .vhdx: return try VhdxHeader.check(image)
            case .vdi: return try VdiHeader.check(image)
            }
        } catch let error where error is Qcow2Error || error is VhdError || error is ImageRefusal {
            throw HostFailure(.failed, "\(path) cannot be a source: \(error)")
        }
    }

    /// The format, other than raw, that an image begins like. It never decides how an image is read.
    init?(beginningOf image: ForeignImage) throws {
        let bytes = try image.beginning(512)
        func stands(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if bytes.starts(with: [0x51, 0x46, 0x49, 0xfb]) {
            self = .qcow2
        } else if stands("KDMV") || stands("COWD") || stands("# Disk DescriptorFile") {
            self = .vmdk
        } else if stands("conectix") {
            self = .vhd
        } else if stands("vhdxfile") {
            self = .vhdx
        } else if bytes.dropFirst(64).starts(with: [0x7f, 0x10, 0xda, 0xbe]) {
            self = .vdi
        } else {
            return nil
        }
    }
}
