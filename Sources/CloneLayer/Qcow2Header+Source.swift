// SPDX-License-Identifier: Apache-2.0

package import ImageHeaders

extension Qcow2Header {
    /// Checks a qcow2 image from outside: whole in this file, without snapshots, encryption and features that are not
    /// known. A dirty one is accepted: its refcounts may be wrong, which nobody needs who only reads.
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``Qcow2Error``, or what the reader throws.
    package static func check(_ image: ForeignImage) throws -> UInt64 {
        let header = try inspect(image.beginning(inspectionLimit), fileSize: image.size)
        try header.checkSelfContained()
        let size = UInt64(clamping: header.virtualSize)
        // qemu would cut off what is no whole sector.
        guard size > 0, size % 512 == 0, size <= ForeignImage.largestDisk else {
            throw Qcow2Error.invalid(field: "the virtual size", value: size)
        }
        return size
    }
}
