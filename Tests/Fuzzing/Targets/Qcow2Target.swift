// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageHeaders

extension FuzzTarget {
    /// The header of a qcow2 image from outside. It says the same whether or not the file's size is known; and an
    /// overlay of this side's own is read as it was made.
    static let qcow2 = FuzzTarget("qcow2", maximumLength: 1024) { bytes in
        if let header = try? Qcow2Header.inspect(bytes) {
            try expect(header.clusterSize.nonzeroBitCount == 1, "a cluster has \(header.clusterSize) bytes")
            try expect(header.virtualSize >= 0, "the disk has \(header.virtualSize) bytes")
            try expectEqual(header.hasBackingFile, header.backingPath != nil, "backing file")
            if let sized = try? Qcow2Header.inspect(bytes, fileSize: .max) {
                try expectEqual(sized, header, "read with a size")
            }
            try expect((try? Qcow2Header.inspect(bytes, fileSize: 0)) == nil, "tables lie in an empty file")
        }
        // As a source, in a file with room for its tables, it may lean on nothing.
        if let size = try? Qcow2Header.check(.grown(bytes, by: 64 << 20)) {
            try expectDisk(size)
            let header = try Qcow2Header.inspect(ForeignImage.grown(bytes, by: 4 << 20).beginning(2 << 20))
            try expect(!header.hasBackingFile && !header.hasDataFile, "it leans on another file")
        }
        var script = Script(bytes)
        let (size, cluster) = (script.integer(Int64.self), 1 << script.number(below: 18))
        let path = "/" + String(decoding: script.takeRest(), as: UTF8.self)
        guard let overlay = try? Qcow2Overlay(masterSize: size, backingPath: path, clusterSize: cluster) else { return }
        try expect(overlay.virtualSize >= size, "the overlay is smaller than its master")
        guard let beginning = overlay.encoded().first, beginning.offset == 0 else { return }
        let header = try Qcow2Header.inspect(beginning.bytes)
        try expectEqual(header.virtualSize, overlay.virtualSize, "size of the overlay's disk")
        try expectEqual(header.backingPath, path, "the overlay's backing file")
        try expectEqual(header.backingFormat, "raw", "format of the overlay's backing file")
    }
}
