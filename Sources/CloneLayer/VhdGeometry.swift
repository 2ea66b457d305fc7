// SPDX-License-Identifier: Apache-2.0

/// Cylinders, heads and sectors per track, as a VHD's footer states them for old guests.
package struct VhdGeometry: Equatable, Sendable {
    package let cylinders: UInt16
    package let heads: UInt8
    package let sectorsPerTrack: UInt8

    package init(cylinders: UInt16, heads: UInt8, sectorsPerTrack: UInt8) {
        self.cylinders = cylinders
        self.heads = heads
        self.sectorsPerTrack = sectorsPerTrack
    }

    /// The geometry of a disk of `size` bytes, by the specification's own rule ("CHS calculation"). It is rounded down
    /// and ends at some 127 GiB; a disk's size is the footer's, never what this multiplies out to.
    package init(diskOf size: Int64) {
        let sectors = min(max(0, size / Int64(VhdFormat.sectorSize)), 65535 * 16 * 255)
        var perTrack: Int64
        var heads: Int64
        var tracks: Int64
        if sectors >= 65535 * 16 * 63 {
            perTrack = 255
            heads = 16
            tracks = sectors / perTrack
        } else {
            perTrack = 17
            tracks = sectors / perTrack
            heads = max(4, (tracks + 1023) / 1024)
            if tracks >= heads * 1024 || heads > 16 {
                perTrack = 31
                heads = 16
                tracks = sectors / perTrack
            }
            if tracks >= heads * 1024 {
                perTrack = 63
                heads = 16
                tracks = sectors / perTrack
            }
        }
        self.init(
            cylinders: UInt16(clamping: tracks / heads), heads: UInt8(clamping: heads),
            sectorsPerTrack: UInt8(clamping: perTrack))
    }
}
