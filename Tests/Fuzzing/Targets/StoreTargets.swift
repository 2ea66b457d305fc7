// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport

/// A store in memory with one fetch, of which every file can be put there as anybody may have left it.
private struct StoreScene {
    static let root = "/store"
    let files = CrashFiles()
    let layout = StoreLayout(root: root)
    let metainfo: Metainfo
    let name: MasterName

    /// Nine pieces of one block, the last of which is short.
    private static let image = try? TestImage(size: 8 * PieceGeometry.blockLength + 100)
    private static let torrent = image?.torrent() ?? []

    init() throws {
        metainfo = try Metainfo(torrent: Self.torrent)
        name = try unwrap(MasterName("fuzz@1"), "no name")
        for folder in [layout.root, layout.masters, layout.partials] { try files.makeDirectory(folder) }
        for path in [layout.partialTorrent(name), layout.masterTorrent(name)] { try files.put(Self.torrent, at: path) }
    }

    /// The record of the fetch, as the store writes it.
    func putFetchRecord() throws {
        let hash = metainfo.infoHashes.v2?.hex ?? ""
        let record = #"{"format":1,"infoHash":"\#(hash)","request":{"trackers":[]}}"#
        try files.put(Array(record.utf8), at: layout.fetchRecord(name))
    }

    func open() throws(StoreError) -> ImageStore {
        try ImageStore.open(root: Self.root, files: files, create: true, locks: FreeLocks(), clock: { 0 })
    }
}

/// For stores in memory, which no other process can reach.
private struct FreeLocks: StoreLocking {
    private final class Held: HeldStoreLock {}

    func acquire(_ path: String) -> StoreLockOutcome { .held(Held()) }
}

extension FuzzTarget {
    /// The journal of pieces: the script puts good records, damaged ones and any bytes one after another. Exactly the
    /// pieces that good records name count as verified, also after more were appended and the store was opened anew.
    static let pieceJournal = FuzzTarget("piece-journal", maximumLength: 1024) { bytes in
        var script = Script(bytes)
        let scene = try StoreScene()
        try scene.putFetchRecord()
        try scene.files.open(scene.layout.partialImage(scene.name), .createNew).truncate(
            to: scene.metainfo.geometry.size)
        var journal = JournalScript(scene.metainfo, isAboutAnother: script.byte() == 1)
        while !script.isEmpty { journal.add(&script) }
        try scene.files.put(journal.bytes, at: scene.layout.journal(scene.name))

        let partial = try scene.open().resume(scene.name)
        let geometry = partial.metainfo.geometry
        var expected = partial.zeroPieces
        for piece in journal.pieces.compactMap(geometry.piece) { expected.insert(piece) }
        try expectEqual(partial.verified, expected, "verified pieces")
        let more = try unwrap(geometry.piece(geometry.pieceCount - 1), "no last piece")
        try partial.recordVerified([more])
        expected.insert(more)
        try expectEqual(try scene.open().resume(scene.name).verified, expected, "verified pieces after one more")
    }

    /// The records beside masters and fetches, each of any content, where the first byte says which. The store opens,
    /// and what it says is the same when it is opened again.
    static let storeRecords = FuzzTarget("store-records") { bytes in
        var script = Script(bytes)
        let scene = try StoreScene()
        let isMaster = script.byte() % 2 == 0
        if isMaster { try scene.files.put([1], at: scene.layout.masterImage(scene.name)) }
        let path = isMaster ? scene.layout.masterRecord(scene.name) : scene.layout.fetchRecord(scene.name)
        try scene.files.put(script.takeRest(), at: path)
        func said() throws(StoreError) -> [String] {
            let store = try scene.open()
            return store.masters().map { "\($0.name) \($0.label ?? "") \($0.state) \($0.size) \($0.infoHashes)" }
                + store.partials().map { "\($0.name) \($0.request) \($0.verifiedBytes)" }
        }
        let before = try said()
        try expectEqual(try said(), before, "opened again")
    }
}
