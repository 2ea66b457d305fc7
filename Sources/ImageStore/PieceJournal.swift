// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Metainfo

/// Which pieces of a partial image are verified and on disk. A file of fixed-size records, appended only after the data
/// they speak of was synced; its space is taken when it is made, so that a full disk cannot stop the bookkeeping.
///
/// Layout, integers big-endian. Header of 64 bytes: `DROVERJ1`, info-hash (32), image size (8), piece length (4),
/// a random number (4), check (8). Records of 16 bytes: first piece (4), count (4), check (8). A check is the start of
/// the SHA-256 of what precedes it; a record's also covers the header, so that no record of another journal that
/// happens to stand in a block of the disk can pass for one of this.
struct PieceJournal {
    private static let magic = Array("DROVERJ1".utf8)
    private static let headerLength = 64
    private static let recordLength = 16
    private static let checkLength = 8
    /// Records beyond one per piece, for what torn writes may waste.
    private static let spareRecords = 64

    private let file: any OpenFile
    private let header: [UInt8]
    private var end: Int64
    /// What the journal held when it was opened: ascending, not overlapping.
    let recorded: [Range<Int>]

    /// Puts a new journal in place of what stands at `path`, durably.
    static func create(
        _ path: String, for metainfo: Metainfo, recorded: [Range<Int>] = [], _ files: any FileAccess
    ) throws(FileError) {
        let header = header(for: metainfo, salt: UInt32.random(in: .min ... .max))
        var bytes = header
        for run in recorded { bytes += record(run, header: header) }
        let records = metainfo.geometry.pieceCount + spareRecords
        bytes += [UInt8](repeating: 0, count: max(0, headerLength + records * recordLength - bytes.count))
        try files.replace(path, with: bytes)
    }

    /// Opens and replays the journal. Records whose check fails are passed over: the last one may be torn.
    /// - Parameter forWriting: `false` only to look.
    /// - Returns: `nil` when there is no journal or it is about another image.
    static func open(
        _ path: String, for metainfo: Metainfo, forWriting: Bool = true, _ files: any FileAccess
    ) throws(FileError) -> PieceJournal? {
        let bytes: [UInt8]
        let file: any OpenFile
        do throws(FileError) {
            bytes = try files.contents(of: path, limit: lengthLimit(metainfo.geometry))
            file = try files.open(path, forWriting ? .update : .read)
        } catch {
            if error.cause == .notFound || error.cause == .tooLarge { return nil }
            throw error
        }
        // checked: so many bytes are there.
        guard bytes.count >= headerLength else { return nil }
        let header = Array(bytes.prefix(headerLength))
        let salt = header[52..<56].reduce(0) { $0 << 8 | UInt32($1) }
        guard header == Self.header(for: metainfo, salt: salt) else { return nil }

        // checked: the loop ends where no whole record is left, and two numbers of 32 bits are added.
        var runs: [Range<Int>] = []
        var end = headerLength
        var position = headerLength
        while position + recordLength <= bytes.count {
            let slice = Array(bytes[position..<position + recordLength])
            position += recordLength
            let first = slice[0..<4].reduce(0) { $0 << 8 | Int($1) }
            let count = slice[4..<8].reduce(0) { $0 << 8 | Int($1) }
            guard count > 0, first + count <= metainfo.geometry.pieceCount,
                slice == record(first..<first + count, header: header)
            else { continue }
            runs.append(first..<first + count)
            end = position
        }
        return PieceJournal(file: file, header: header, end: Int64(end), recorded: merged(runs))
    }

    private init(file: any OpenFile, header: [UInt8], end: Int64, recorded: [Range<Int>]) {
        self.file = file
        self.header = header
        self.end = end
        self.recorded = recorded
    }

    /// Whether the journal has grown so fragmented that it should be written anew with ``recorded``.
    var isFragmented: Bool { (Int(end) - Self.headerLength) / Self.recordLength > 2 * recorded.count + 1024 }

    /// Writes records and syncs them. Their data must be synced already.
    mutating func append(_ runs: [Range<Int>]) throws(FileError) {
        let bytes = runs.flatMap { Self.record($0, header: header) }
        let (file, end) = (file, end)
        try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: end)
        }
        try file.syncData()
        self.end += Int64(bytes.count)
    }

    /// Numbers as ascending runs.
    static func runs(_ numbers: [Int]) -> [Range<Int>] { merged(numbers.map { $0..<$0 + 1 }) }

    private static func merged(_ runs: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for run in runs.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, run.lowerBound <= last.upperBound {
                // checked: there is a last one, and the larger end is not before its beginning.
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, run.upperBound)
            } else {
                result.append(run)
            }
        }
        return result
    }

    private static func lengthLimit(_ geometry: PieceGeometry) -> Int {
        headerLength + recordLength * 2 * (geometry.pieceCount + 2 * spareRecords) + (1 << 20)
    }

    private static func header(for metainfo: Metainfo, salt: UInt32) -> [UInt8] {
        var bytes = magic + (metainfo.infoHashes.v2 ?? metainfo.piecesRoot).bytes
        // checked: a geometry is positive and its piece length within 28 bits.
        append(UInt64(metainfo.geometry.size), to: &bytes)
        append(UInt32(metainfo.geometry.pieceLength), to: &bytes)
        append(salt, to: &bytes)
        return bytes + SHA256Digest(hashing: bytes).bytes.prefix(checkLength)
    }

    private static func record(_ run: Range<Int>, header: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        // checked: pieces are fewer than 21 bits can count.
        append(UInt32(run.lowerBound), to: &bytes)
        append(UInt32(run.count), to: &bytes)
        return bytes + SHA256Digest(hashing: header + bytes).bytes.prefix(checkLength)
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
