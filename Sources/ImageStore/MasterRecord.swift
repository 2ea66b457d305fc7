// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials
import Metainfo

/// What is written beside a master (`masters/NAME@VERSION.json`) when it is registered, and after each verification.
struct MasterRecord: Codable, Equatable, Sendable {
    /// Where an adopted master's image lies.
    struct Adopted: Codable, Equatable, Sendable {
        /// Absolute, without symbolic links.
        var path: String
        /// Its file's ctime when it was last known to be good, in nanoseconds since 1970.
        var changed: Int64
    }

    /// The newest format this code writes and reads.
    static let currentFormat = 1

    var format = MasterRecord.currentFormat
    var label: String?
    var size: Int64
    /// The image file's time of change when it was last known to be good, in nanoseconds since 1970.
    var modified: Int64
    var pieceLength: Int
    var infoHashV1: String?
    var infoHashV2: String?
    var registeredAt: Int64
    /// The numbers of the pieces that failed the last verification; `nil` when it passed.
    var badPieces: [Int]?
    /// `nil` when the image lies in the store.
    var adopted: Adopted?
    /// Whether a tracker's order brought it, so that a bare name means it only once it is activated; `nil` when not.
    var isStaged: Bool?

    init(metainfo: Metainfo, label: String?, modified: Int64, registeredAt: Int64) {
        self.label = label
        self.modified = modified
        self.registeredAt = registeredAt
        size = metainfo.geometry.size
        pieceLength = metainfo.geometry.pieceLength
        infoHashV1 = metainfo.infoHashes.v1?.hex
        infoHashV2 = metainfo.infoHashes.v2?.hex
    }

    var infoHashes: InfoHashes {
        InfoHashes(
            v1: infoHashV1.flatMap(Self.bytes).flatMap { SHA1Digest($0) },
            v2: infoHashV2.flatMap(Self.bytes).flatMap { SHA256Digest($0) })
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8]? {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        guard digits.count == hexadecimal.count, digits.count.isMultiple(of: 2) else { return nil }
        // checked: an even number of digits, each of four bits.
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// How records are put into files.
enum RecordFile {
    /// Larger than any record this code writes: a label and a list of bad pieces.
    static let limit = 32 << 20

    static func write(_ record: some Encodable, to path: String, _ files: any FileAccess) throws(StoreError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(record)) + [0x0a]
        } catch {
            throw StoreError(.invalid, "the record for \(path) cannot be written: \(error)")
        }
        try translating { () throws(FileError) in try files.replace(path, with: bytes) }
    }

    /// - Returns: `nil` when there is no record or it cannot be understood.
    static func read<Record: Decodable>(
        _ type: Record.Type, from path: String, _ files: any FileAccess
    ) throws(StoreError) -> Record? {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try files.contents(of: path, limit: limit)
        } catch {
            guard error.cause == .notFound || error.cause == .tooLarge else { throw StoreError(error) }
            return nil
        }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }
}
