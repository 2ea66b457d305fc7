// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Metainfo

/// What opening a store does: reads what is registered and what is being fetched, and sweeps what a crash left.
///
/// A master is registered when its image and its record are both in `masters/`; the record is written first and goes
/// last. An adopted one is registered when its record is there; nobody asks for its image here, which may be out of reach.
/// A fetch exists when its record is in `partial/`; the record is written before the image and goes first.
struct StoreRecovery {
    let layout: StoreLayout
    let files: any FileAccess
    private(set) var masters: [MasterName: MasterRecord] = [:]
    private(set) var fetches: [MasterName: FetchRecord] = [:]
    private(set) var active: [String: ActiveVersions] = [:]
    private(set) var notes: [String] = []

    init(layout: StoreLayout, files: any FileAccess) {
        self.layout = layout
        self.files = files
    }

    mutating func run() throws(StoreError) {
        // After a kill the names seen here may not be on disk yet; what is decided from them below must not outlive
        // them in a power cut.
        let (masterFiles, partialFiles) = try translating { () throws(FileError) in
            for directory in [layout.masters, layout.partials] {
                try files.makeDirectory(directory)
                try files.syncDirectory(directory)
            }
            return (try grouped(layout.masters), try grouped(layout.partials))
        }
        for (name, suffixes) in masterFiles { try loadMaster(name, suffixes) }
        for (name, suffixes) in partialFiles { try loadFetch(name, suffixes) }
        try loadActive()
        try translating { () throws(FileError) in
            for directory in [layout.masters, layout.partials] { try files.syncDirectory(directory) }
        }
    }

    /// The files of a directory by master, with what follows the name; files half-written by a replacement are removed.
    private func grouped(_ directory: String) throws(FileError) -> [(MasterName, Set<String>)] {
        var groups: [MasterName: Set<String>] = [:]
        for file in try files.names(in: directory) {
            if file.hasSuffix(".new") {
                try files.remove("\(directory)/\(file)")
                continue
            }
            guard let dot = file.lastIndex(of: "."), let name = MasterName(file[..<dot]) else { continue }
            groups[name, default: []].insert(String(file[dot...]))
        }
        return groups.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private mutating func loadMaster(_ name: MasterName, _ suffixes: Set<String>) throws(StoreError) {
        let record = try RecordFile.read(MasterRecord.self, from: layout.masterRecord(name), files)
        if let record, let adopted = record.adopted, adopted.path.hasPrefix("/"),
            record.format <= MasterRecord.currentFormat
        {
            masters[name] = record
            if suffixes.contains(".raw") {
                notes.append(
                    "\(layout.masterImage(name)) is in the way of the adopted \(name) and ignored; move it away")
            }
            return
        }
        if record?.adopted != nil || record.map({ $0.format > MasterRecord.currentFormat }) == true
            || (record == nil && suffixes.contains(".json") && !suffixes.contains(".raw"))
        {
            // It may be an adopted master's, whose image lies elsewhere; a crash leaves no such record.
            notes.append("the record of \(name) cannot be read and the master is ignored; move its files away")
            return
        }
        guard suffixes.contains(".raw") else {
            // A registration that did not come to its rename, or a removal that did not come to its end.
            try remove([layout.masterRecord(name), layout.masterTorrent(name)])
            return
        }
        guard suffixes.contains(".json") else {
            notes.append("\(layout.masterImage(name)) has no record and is ignored; move it away")
            return
        }
        if let record, record.format <= MasterRecord.currentFormat {
            masters[name] = record
        } else if record == nil,
            let torrent = try? files.contents(
                of: layout.masterTorrent(name), limit: TorrentFile.maximumByteCount),
            let metainfo = try? Metainfo(torrent: torrent)
        {
            // Without the time of change nothing vouches for the image, so it counts as altered until verified.
            masters[name] = MasterRecord(metainfo: metainfo, label: nil, modified: 0, registeredAt: 0)
            notes.append("the record of \(name) cannot be read; run `drover master verify \(name)`")
        } else {
            notes.append("the record of \(name) cannot be read and the master is ignored; move its files away")
        }
    }

    /// What each line stands at. A file that cannot be read must not turn a bare name into the newest version, which may be
    /// one that was rolled back; so the store is not opened then.
    private mutating func loadActive() throws(StoreError) {
        guard try translating({ () throws(FileError) in try files.status(layout.active) }) != nil else { return }
        for file in try translating({ () throws(FileError) in try files.names(in: layout.active) }) {
            if file.hasSuffix(".new") {
                try remove(["\(layout.active)/\(file)"])
                continue
            }
            guard file.hasSuffix(".json"), MasterName.isValid(name: String(file.dropLast(5))) else { continue }
            let line = String(file.dropLast(5))
            guard let versions = try RecordFile.read(ActiveVersions.self, from: layout.activeRecord(line), files) else {
                throw StoreError(
                    .invalid,
                    "\(layout.activeRecord(line)) cannot be read, so that nobody knows which version of \(line) is active; "
                        + "restore it, or remove it and activate a version")
            }
            active[line] = versions
        }
    }

    private mutating func loadFetch(_ name: MasterName, _ suffixes: Set<String>) throws(StoreError) {
        if suffixes.contains(".import") { try remove([layout.importedImage(name)]) }
        let content = [layout.partialImage(name), layout.partialTorrent(name), layout.journal(name)]
        guard suffixes.contains(".json"),
            let record = try RecordFile.read(FetchRecord.self, from: layout.fetchRecord(name), files)
        else {
            // Given up, or not yet begun.
            try remove([layout.fetchRecord(name)] + content)
            return
        }
        if masters[name]?.infoHashV2 == record.infoHash {
            // Registered; what may be left to do is to make the clones.
            try remove(content)
            if record.request.clones == nil {
                try remove([layout.fetchRecord(name)])
                return
            }
        } else if masters[name] != nil {
            notes.append("a fetch of other content under the name of the registered \(name) was dropped")
            try remove([layout.fetchRecord(name)] + content)
            return
        }
        fetches[name] = record
    }

    private func remove(_ paths: [String]) throws(StoreError) {
        try translating { () throws(FileError) in for path in paths { try files.remove(path) } }
    }
}
