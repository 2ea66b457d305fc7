// SPDX-License-Identifier: Apache-2.0

/// One of the eight places in which a differencing VHD says where its parent lies: an entry of the dynamic header that
/// leads to a path elsewhere in the file.
package struct VhdParentLocator: Equatable, Sendable {
    package static let byteCount = 24
    package static let unused = VhdParentLocator(platform: 0, space: 0, length: 0, offset: 0)

    /// "W2ru": a path relative to the child's folder, Windows' way, in UTF-16, least significant byte first.
    package static let relativePath: UInt32 = 0x5732_7275
    /// "W2ku": likewise an absolute path.
    package static let absolutePath: UInt32 = 0x5732_6b75

    /// How the path is written; 0 for an entry that is not used.
    package let platform: UInt32
    /// Room for the path, as it is written: the specification says sectors, Microsoft and Xen write bytes.
    package let space: UInt32
    /// Bytes of the path.
    package let length: UInt32
    /// Where the path lies in the file, in bytes.
    package let offset: UInt64

    package init(platform: UInt32, space: UInt32, length: UInt32, offset: UInt64) {
        self.platform = platform
        self.space = space
        self.length = length
        self.offset = offset
    }

    /// Reads an entry; one that is not used must be all zero.
    /// - Throws: `.truncated` or `.invalid`.
    package init(decoding bytes: [UInt8]) throws(VhdError) {
        guard bytes.count == Self.byteCount, let platform = bytes.bigEndian(UInt32.self, at: 0),
            let space = bytes.bigEndian(UInt32.self, at: 4), let length = bytes.bigEndian(UInt32.self, at: 8),
            let reserved = bytes.bigEndian(UInt32.self, at: 12), let offset = bytes.bigEndian(UInt64.self, at: 16)
        else { throw .truncated }
        self.init(platform: platform, space: space, length: length, offset: offset)
        guard reserved == 0 else { throw .invalid(field: "a parent locator's reserved field", value: UInt64(reserved)) }
        guard platform != 0 else {
            guard self == .unused else {
                throw .invalid(field: "the length of an unused locator", value: UInt64(length))
            }
            return
        }
        guard length > 0, Int64(length) <= spaceInBytes, length <= UInt32(VhdFormat.largestLocator) else {
            throw .invalid(field: "the length of a parent locator", value: UInt64(length))
        }
        guard offset % UInt64(VhdFormat.sectorSize) == 0, offset <= UInt64(Int64.max) / 2 else {
            throw .invalid(field: "the offset of a parent locator", value: offset)
        }
    }

    /// Room for the path in bytes, whichever way it was written.
    package var spaceInBytes: Int64 {
        Int64(space) < Int64(VhdFormat.sectorSize) ? Int64(space) * Int64(VhdFormat.sectorSize) : Int64(space)
    }

    /// The entry's 24 bytes.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(platform)
        bytes.appendBigEndian(space)
        bytes.appendBigEndian(length)
        bytes.appendBigEndian(UInt32(0))
        bytes.appendBigEndian(offset)
        return bytes
    }

    /// A path as it lies in the file: Windows' separators, UTF-16, least significant byte first.
    package static func path(_ path: String) -> [UInt8] {
        path.utf16.flatMap { unit in
            let unit = unit == 0x2f ? 0x5c : unit
            return [UInt8(truncatingIfNeeded: unit), UInt8(truncatingIfNeeded: unit >> 8)]
        }
    }
}
