// SPDX-License-Identifier: Apache-2.0

/// An image in a format that is not ours, as those see it that check its headers: a size, and runs of bytes that are read
/// when they are asked for. Whatever reads them is somebody else's.
package struct ForeignImage {
    /// The largest disk that an image from outside may hold, in bytes: 64 TiB, as much as VHDX has.
    package static let largestDisk: UInt64 = 64 << 40

    /// The size of the file in bytes.
    package let size: Int64
    private let read: (_ offset: Int64, _ count: Int) throws -> [UInt8]

    /// - Parameters:
    ///   - size: of the file, in bytes.
    ///   - read: gives the bytes at an offset, fewer where the file ends. It is asked for what lies inside only.
    package init(size: Int64, read: @escaping (_ offset: Int64, _ count: Int) throws -> [UInt8]) {
        self.size = size
        self.read = read
    }

    /// A file that is in memory as a whole.
    package init(_ bytes: [UInt8]) {
        self.init(size: Int64(bytes.count)) { offset, count in
            Array(bytes.dropFirst(Int(clamping: offset)).prefix(count))
        }
    }

    /// The bytes at `offset`.
    /// - Returns: exactly `count` of them, or `nil` when they do not lie inside the file.
    /// - Throws: what the reader throws.
    package func bytes(at offset: UInt64, count: Int) throws -> [UInt8]? {
        guard count >= 0, contains(offset, UInt64(clamping: count)), let start = Int64(exactly: offset) else {
            return nil
        }
        let bytes = try read(start, count)
        return bytes.count == count ? bytes : nil
    }

    /// The first bytes of the file, up to `count`.
    /// - Throws: what the reader throws.
    package func beginning(_ count: Int) throws -> [UInt8] {
        try bytes(at: 0, count: Int(clamping: min(Int64(count), size))) ?? []
    }

    /// Whether a run of bytes lies inside the file.
    package func contains(_ offset: UInt64, _ length: UInt64) -> Bool {
        let (end, overflow) = offset.addingReportingOverflow(length)
        return !overflow && end <= UInt64(clamping: size)
    }
}

extension Array<UInt8> {
    /// The little-endian number at `offset`, or `nil` when the bytes end before it does.
    func littleEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, offset <= count - width else { return nil }
        return dropFirst(offset).prefix(width).reversed().reduce(0) { $0 << 8 | Number($1) }
    }

    /// Whether these bytes stand at `offset`.
    func holds(_ other: some Collection<UInt8>, at offset: Int = 0) -> Bool {
        offset >= 0 && dropFirst(offset).starts(with: other)
    }
}
