// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The bytes of a file that belong to no other one: what a clone really takes. A file's own count of blocks also counts
/// those it shares, and free space changes later than files do.
enum OwnBlocks {
    /// `FS_IOC_FIEMAP`, its flags, and the layout of what it fills in (linux/fiemap.h).
    private static let request: UInt = 0xc020_660b
    private static let syncFirst: UInt32 = 1
    private static let isLast: UInt32 = 1
    private static let isShared: UInt32 = 0x2000
    private static let headLength = 32
    private static let extentLength = 56
    private static let extentsAtOnce = 512

    /// - Returns: `nil` where the file system does not say.
    static func bytes(of path: String) -> Int64? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let map = UnsafeMutableRawBufferPointer.allocate(
            byteCount: headLength + extentsAtOnce * extentLength, alignment: 8)
        defer { map.deallocate() }
        var start: UInt64 = 0
        var own: UInt64 = 0
        while true {
            map.initializeMemory(as: UInt8.self, repeating: 0)
            map.storeBytes(of: start, toByteOffset: 0, as: UInt64.self)
            map.storeBytes(of: UInt64.max - start, toByteOffset: 8, as: UInt64.self)
            map.storeBytes(of: syncFirst, toByteOffset: 16, as: UInt32.self)
            map.storeBytes(of: UInt32(extentsAtOnce), toByteOffset: 24, as: UInt32.self)
            guard let address = map.baseAddress, ioctl(descriptor, request, address) == 0 else { return nil }
            let count = min(Int(map.load(fromByteOffset: 20, as: UInt32.self)), extentsAtOnce)
            guard count > 0 else { return Int64(clamping: own) }
            var next = start
            for index in 0..<count {
                let extent = headLength + index * extentLength
                let length = map.load(fromByteOffset: extent + 16, as: UInt64.self)
                let flags = map.load(fromByteOffset: extent + 40, as: UInt32.self)
                if flags & isShared == 0 { own &+= length }
                if flags & isLast != 0 { return Int64(clamping: own) }
                next = map.load(fromByteOffset: extent, as: UInt64.self) &+ length
            }
            // A file system that does not advance would keep us here.
            guard next > start else { return nil }
            start = next
        }
    }
}
