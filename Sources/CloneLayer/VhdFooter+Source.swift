// SPDX-License-Identifier: Apache-2.0

package import ImageHeaders

extension VhdFooter {
    /// Checks a VHD from outside: fixed or dynamic, without a parent, whole in this file.
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``VhdError``, or what the reader throws.
    package static func check(_ image: ForeignImage) throws -> UInt64 {
        let size = UInt64(clamping: image.size)
        // With odd bytes at the end, readers would look for the footer in different places.
        guard size % 512 == 0, size >= 512, let first = try image.bytes(at: 0, count: byteCount),
            let last = try image.bytes(at: size - 512, count: byteCount)  // checked: compared above
        else { throw VhdError.truncated }
        // The first sector of a fixed disk is the guest's. If it looks like a footer, readers take that for the real one.
        let footer: VhdFooter
        if first.starts(with: "conectix".utf8) {
            footer = try VhdFooter(decoding: first)
            guard first == last else {
                throw VhdError.invalid(field: "the footer at the end, unlike the one at the beginning,", value: size)
            }
        } else {
            footer = try VhdFooter(decoding: last)
        }
        let end = image.size - 512  // checked: compared above
        switch footer.diskType {
        case .differencing: throw VhdError.parent
        case .fixed:
            guard footer.currentSize == end else {
                throw VhdError.invalid(field: "the current size", value: UInt64(clamping: footer.currentSize))
            }
        case .dynamic:
            try checkDynamic(
                footer, in: ForeignImage(size: end) { try image.bytes(at: UInt64(clamping: $0), count: $1) ?? [] })
        }
        return UInt64(clamping: footer.currentSize)
    }

    /// - Parameter image: all but the footer at its end.
    private static func checkDynamic(_ footer: VhdFooter, in image: ForeignImage) throws {
        guard let offset = footer.headerOffset,
            let bytes = try image.bytes(at: UInt64(clamping: offset), count: VhdDynamicHeader.byteCount)
        else { throw VhdError.truncated }
        let header = try VhdDynamicHeader(decoding: bytes)
        try header.check(footer, fileSize: image.size)
        guard header.parentID == .none, header.parentName.isEmpty, header.locators.allSatisfy({ $0 == .unused }) else {
            throw VhdError.parent
        }
        // checked: the header has 4 M entries at most
        guard let table = try image.bytes(at: UInt64(clamping: header.tableOffset), count: header.tableEntries * 4)
        else { throw VhdError.truncated }
        _ = try VhdBlockTable(decoding: table, header: header, footer: footer, fileSize: image.size)
    }
}
