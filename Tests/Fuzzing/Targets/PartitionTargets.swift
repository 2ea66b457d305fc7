// SPDX-License-Identifier: Apache-2.0

import FileLayer
import MasterLint

extension FuzzTarget {
    /// The partition table of an image. Each partition lies within the image or has no length, and what is in it can be
    /// asked for.
    static let partitions = FuzzTarget("partitions", maximumLength: 8192) { bytes in
        let image = StrangersImage(bytes)
        let size = try image.size()
        let found = try PartitionTable.partitions(of: image)
        try expect(!found.isEmpty && found.count <= PartitionTable.most + 1, "\(found.count) partitions")
        for part in found {
            try expect(part.offset >= 0 && part.length >= 0, "\(part) is negative")
            // checked: neither is negative, and the image has 2 TiB at most
            try expect(part.length <= size && part.offset <= size - part.length, "\(part) is not within \(size) bytes")
            try expect(part.number != nil || found.count == 1, "\(part) is all and is not alone")
            _ = try FileSystemKind.probe(image, part)
        }
        try expectEqual(try PartitionTable.partitions(of: image), found, "partitions when read again")
    }

    /// A FAT file system: its folders are read or refused, and in bounds.
    static let fat = FuzzTarget("fat", maximumLength: 16384) { bytes in
        let image = StrangersImage(bytes)
        guard let size = try? image.size(),
            let fileSystem = try? FatFileSystem(image, Partition(number: 1, offset: 0, length: size)),
            let root = try? fileSystem.files(in: "/")
        else { return }
        try expect(root.count <= 1 << 16, "\(root.count) files")
        for file in root.prefix(4) {
            try expect(!file.name.contains { $0.isASCII && $0.isUppercase }, "\(file.name) has a capital")
            let inside = try? fileSystem.files(in: "/\(file.name)")
            // Of several files of one name the first is meant.
            let first = root.first { $0.name == file.name }
            if first?.kind == .regular { try expect(inside == .some(nil), "\(file.name) is no folder and has files") }
        }
    }
}

/// An image in memory: how many sectors of zeros follow, and the bytes before them.
private final class StrangersImage: OpenFile {
    private let bytes: [UInt8]
    private let growth: Int64

    init(_ input: [UInt8]) {
        var script = Script(input)
        growth = Int64(script.integer(UInt32.self)) * 512
        bytes = script.takeRest()
    }

    func size() throws(FileError) -> Int64 { Int64(bytes.count) + growth }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        guard offset >= 0 else { throw FileError(.io, operation: "read", path: "image", reason: "a negative place") }
        let count = Int(max(0, min(Int64(buffer.count), try size() - offset)))
        let known = bytes.dropFirst(Int(min(offset, Int64(bytes.count)))).prefix(count)
        buffer.copyBytes(from: Array(known) + [UInt8](repeating: 0, count: count - known.count))
        return count
    }

    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>? { try offset < size() ? offset..<size() : nil }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) { throw Self.readOnly }
    func truncate(to size: Int64) throws(FileError) { throw Self.readOnly }
    func sync() throws(FileError) {}
    func syncData() throws(FileError) {}

    private static let readOnly = FileError(.readOnly, operation: "write", path: "image", reason: "an input")
}
