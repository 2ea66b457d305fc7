// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials
import Metainfo

/// The registry's memory on disk: a file to which each change adds one line, synced before the change counts.
///
/// A line is a checksum and a JSON object; one line carries a whole batch, so a thousand clones cost two syncs and not
/// two thousand. A line that a crash cut off is the last one and is dropped; damage anywhere else is refused.
struct CloneJournal: Sendable {
    static let fileName = "journal"
    private static let format = 1
    private static let sizeLimit = 256 << 20
    private static let checksumDigits = 16

    private let site: CloneSite
    /// Where the next line goes; everything before it is valid.
    private var end: Int64 = 0
    /// Records written since the file was last rewritten.
    private var written = 0
    /// After a failed write or sync nobody knows what the file holds, so the next change writes all of it anew.
    private var isSuspect = false

    private var path: String { "\(site.folder)/\(Self.fileName)" }

    /// Reads what is there; a store without a journal has no clones.
    /// - Throws: `.other` for a damaged journal or one of a newer format, or what the file system says.
    static func load(_ site: CloneSite) throws(CloneError) -> (CloneJournal, [CloneName: Clone]) {
        var journal = CloneJournal(site: site)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try site.files.contents(of: journal.path, limit: sizeLimit)
        } catch {
            if error.cause == .notFound { return (journal, [:]) }
            throw CloneError(error, during: "read the list of clones")
        }
        var clones: [CloneName: Clone] = [:]
        var start = 0
        while start < bytes.count {
            // checked: the start is below the count, and the newline is found behind it.
            let newline = bytes[start...].firstIndex(of: 0x0a)
            guard let newline, let json = Self.payload(bytes[start..<newline]) else {
                try journal.checkOnlyTail(bytes, after: newline)
                break
            }
            try journal.apply(json, to: &clones)
            start = newline + 1
        }
        journal.end = Int64(start)
        return (journal, clones)
    }

    private init(site: CloneSite) { self.site = site }

    /// Adds a change. When it returns, the change is durable.
    /// - Parameter all: the registry's whole content with the change made, for the times when the file is written anew.
    mutating func record(
        put: [Clone] = [], drop: [CloneName] = [], all: [CloneName: Clone]
    ) throws(FileError) {
        // Rewriting when half of what was written is history keeps the file proportional to the clones there are.
        if isSuspect || written > 2 * all.count + 2048 {
            return try rewrite(all)
        }
        do throws(FileError) { try append(put: put, drop: drop) } catch {
            // What the caller is told did not happen must not happen after a restart either, so the line is taken back.
            if let file = try? site.files.open(path, .update), (try? file.truncate(to: end)) != nil { try? file.sync() }
            throw error
        }
    }

    private mutating func append(put: [Clone], drop: [CloneName]) throws(FileError) {
        var bytes: [UInt8] = []
        if end == 0 { bytes += Self.line(Line(format: Self.format)) }
        bytes += line(put: put, drop: drop)
        isSuspect = true
        try site.files.makeDirectory(site.folder)
        let file = try site.files.open(path, .createOrUpdate)
        if try file.size() != end { try file.truncate(to: end) }
        let offset = end
        try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: offset)
        }
        try file.syncData()
        if end == 0 {
            try site.files.syncDirectory(site.folder)
            try site.files.syncDirectory(site.folder.parentDirectory)
        }
        isSuspect = false
        end += Int64(bytes.count)
        written += put.count + drop.count
    }

    /// Takes away what an interrupted rewrite left.
    func sweep() throws(FileError) {
        let unfinished = path + ".new"
        if try site.files.status(unfinished) != nil { try site.files.remove(unfinished) }
    }

    private mutating func rewrite(_ all: [CloneName: Clone]) throws(FileError) {
        isSuspect = true
        let bytes = Self.line(Line(format: Self.format)) + line(put: all.values.sorted { $0.name < $1.name }, drop: [])
        try site.files.makeDirectory(site.folder)
        try site.files.replace(path, with: bytes)
        try site.files.syncDirectory(site.folder.parentDirectory)
        isSuspect = false
        end = Int64(bytes.count)
        written = all.count
    }

    /// A broken line may only be what a crash left at the end.
    private func checkOnlyTail(_ bytes: [UInt8], after newline: Int?) throws(CloneError) {
        guard var start = newline.map({ $0 + 1 }) else { return }
        // checked: the start is behind a newline that was found, and so at most the count.
        while let next = bytes[start...].firstIndex(of: 0x0a) {
            if Self.payload(bytes[start..<next]) != nil {
                throw CloneError(
                    .other,
                    "the list of clones \(path) is damaged; restore it from a backup, or move it away and the clones' "
                        + "files with it")
            }
            start = next + 1
        }
    }

    private mutating func apply(_ json: [UInt8], to clones: inout [CloneName: Clone]) throws(CloneError) {
        let newer = CloneError(
            .other, "the list of clones \(path) was written by a newer version; use that version for this store")
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(json)),
            line.format ?? Self.format == Self.format
        else { throw newer }
        for record in line.put ?? [] {
            guard let clone = record.clone(in: site.folder) else { throw newer }
            // checked: a dictionary.
            clones[clone.name] = clone
        }
        for text in line.drop ?? [] {
            guard let name = try? CloneName(text) else { throw newer }
            // checked: a dictionary.
            clones[name] = nil
        }
        written += (line.put?.count ?? 0) + (line.drop?.count ?? 0)
    }

    private func line(put: [Clone], drop: [CloneName]) -> [UInt8] {
        let records = put.map { CloneRecord($0, in: site.folder) }
        return Self.line(
            Line(put: records.isEmpty ? nil : records, drop: drop.isEmpty ? nil : drop.map(\.text)))
    }

    private static func line(_ line: Line) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and lists of them always encode; a line without content would be refused on reading.
        let json = (try? encoder.encode(line)).map { [UInt8]($0) } ?? []
        return checksum(json) + [0x20] + json + [0x0a]
    }

    private static func payload(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard line.count > checksumDigits + 1 else { return nil }
        let json = Array(line.dropFirst(checksumDigits + 1))
        return Array(line.prefix(checksumDigits)) == checksum(json) ? json : nil
    }

    private static func checksum(_ json: [UInt8]) -> [UInt8] {
        Array(SHA256Digest(hashing: json).hex.utf8.prefix(checksumDigits))
    }

    private struct Line: Codable {
        var format: Int?
        var put: [CloneRecord]?
        var drop: [String]?
    }
}
