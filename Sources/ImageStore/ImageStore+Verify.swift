// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

/// What verifying a master found.
package struct VerifyReport: Equatable, Sendable {
    package let name: MasterName
    package let pieceCount: Int
    /// The pieces whose content is not what the torrent says, ascending.
    package let badPieces: [PieceIndex]
    /// Whether the file has the image's size.
    package let hasRightSize: Bool

    package var isGood: Bool { badPieces.isEmpty && hasRightSize }
}

extension ImageStore {
    /// Reads a whole master again and compares it with its torrent. A good one is no longer `altered` or `failed`; a bad
    /// one is `failed` from now on and is not served.
    /// - Parameters:
    ///   - progress: told the bytes done.
    ///   - isCancelled: asked often; the master's state then stays as it was.
    /// - Throws: `.notFound`, `.cancelled`, `.invalid` when the torrent is damaged, `.sourceChanged` when the image
    ///   changes under the verification.
    package func verify(
        _ name: MasterName, progress: @escaping @Sendable (Int64) -> Void = { _ in },
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(StoreError) -> VerifyReport {
        try reserving(name) { () throws(StoreError) in
            var record = try record(of: name)
            let metainfo = try metainfo(of: name)
            let path = record.adopted?.path ?? layout.masterImage(name)
            let before = try status(ofImage: path, record)
            let geometry = metainfo.geometry
            var bad: [PieceIndex] = []
            let hasRightSize = before.size == geometry.size
            if hasRightSize {
                bad = try badPieces(of: metainfo, in: path, progress: progress, isCancelled: isCancelled)
                guard try status(ofImage: path, record).stamp == before.stamp else {
                    throw StoreError(
                        .sourceChanged, "\(path) changed while it was verified; find out what writes to it")
                }
            }
            let report = VerifyReport(
                name: name, pieceCount: geometry.pieceCount, badPieces: bad, hasRightSize: hasRightSize)
            var verdict = MasterRecord(
                metainfo: metainfo, label: record.label, modified: before.modified,
                registeredAt: record.registeredAt == 0 ? clock() : record.registeredAt)
            verdict.adopted = record.adopted.map { MasterRecord.Adopted(path: $0.path, changed: before.changed) }
            verdict.isStaged = record.isStaged
            verdict.badPieces = report.isGood ? nil : bad.map(\.number)
            if verdict != record {
                // A failure holds in this process even where it cannot be written down.
                record = verdict
                if !report.isGood { state.withLock { $0.masters[name] = record } }
                try RecordFile.write(record, to: layout.masterRecord(name), files)
                state.withLock { $0.masters[name] = record }
            }
            return report
        }
    }

    /// Reads an image and compares it with its torrent.
    /// - Returns: the pieces that are not what the torrent says, ascending.
    func badPieces(
        of metainfo: Metainfo, in path: String, progress: @escaping @Sendable (Int64) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(StoreError) -> [PieceIndex] {
        let file = try translating { () throws(FileError) in try files.open(path, .read) }
        var hasher = ImageHasher(metainfo.geometry)
        hasher.progress = progress
        hasher.isCancelled = isCancelled
        let hashes = try hasher.hash(file).pieceHashes
        return metainfo.geometry.pieces.filter { hashes[$0.number] != metainfo.hash(of: $0) }
    }

    private func status(ofImage path: String, _ record: MasterRecord) throws(StoreError) -> FileStatus {
        if record.adopted != nil { return try reach(path) }
        guard let status = try translating({ () throws(FileError) in try files.status(path) }) else {
            throw StoreError(.verification, "the image \(path) is gone; remove the master and fetch it again")
        }
        return status
    }
}
