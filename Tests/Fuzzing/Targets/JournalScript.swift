// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A piece journal written from a script, by the format as it is documented and without the code that reads it.
struct JournalScript {
    /// The file.
    private(set) var bytes: [UInt8]
    /// What its good records name.
    private(set) var pieces: Set<Int> = []
    private let header: [UInt8]
    private let pieceCount: Int
    private let isAboutAnother: Bool

    /// - Parameter isAboutAnother: whether the header is of another image, so that nothing in the journal counts.
    init(_ metainfo: Metainfo, isAboutAnother: Bool) {
        pieceCount = metainfo.geometry.pieceCount
        self.isAboutAnother = isAboutAnother
        var header = Array("DROVERJ1".utf8) + (metainfo.infoHashes.v2?.bytes ?? [])
        header += Self.bigEndian(UInt64(metainfo.geometry.size) + (isAboutAnother ? 1 : 0))
        header += Self.bigEndian(UInt32(metainfo.geometry.pieceLength)) + Self.bigEndian(UInt32(77))
        self.header = header + Self.check(header)
        bytes = self.header
    }

    /// Adds what the script says next.
    mutating func add(_ script: inout Script) {
        let kind = script.byte()
        let first = UInt32(script.number(below: 16))
        let count = UInt32(script.number(below: 16))
        switch kind % 8 {
        case 0...3: add(first, count)
        // Numbers of any size, and a record that one bit was flipped of.
        case 4: add(script.integer(), script.integer())
        case 5: add(first, count, damage: script.number(below: 128))
        // Any bytes in the place of a record, as a disk may return them.
        case 6:
            let part = script.take(16)
            bytes += part + [UInt8](repeating: 0, count: 16 - part.count)
        default: bytes += [UInt8](repeating: 0, count: 16)
        }
    }

    private mutating func add(_ first: UInt32, _ count: UInt32, damage: Int? = nil) {
        let run = Self.bigEndian(first) + Self.bigEndian(count)
        var record = run + Self.check(header + run)
        if let damage { record[damage / 8] ^= 1 << (damage % 8) }
        bytes += record
        guard damage == nil, !isAboutAnother, count > 0, UInt64(first) + UInt64(count) <= UInt64(pieceCount)
        else { return }
        pieces.formUnion(Int(first)..<Int(first) + Int(count))
    }

    private static func check(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256Digest(hashing: bytes).bytes.prefix(8)) }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
