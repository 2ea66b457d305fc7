// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Metainfo
import TestSupport

extension FuzzTarget {
    /// The journal of clones. The script's lines get their checksums, but for those that begin with a `!`. What is
    /// read is the same when it is read again.
    static let cloneJournal = FuzzTarget("clone-journal") { bytes in
        let files = CrashFiles()
        let site = CloneSite(folder: "/clones", files: files)
        try files.makeDirectory(site.folder)
        var journal: [UInt8] = []
        for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
            let json = Array(line.dropFirst(line.first == UInt8(ascii: "!") ? 1 : 0))
            let sum = SHA256Digest(hashing: json).hex.utf8.prefix(16)
            if line.first == UInt8(ascii: "!") {
                journal += json + [0x0a]
            } else {
                journal += Array(sum) + [0x20] + json + [0x0a]
            }
        }
        try files.put(journal, at: "\(site.folder)/journal")
        func open() -> CloneRegistry? { try? CloneRegistry(site: site, backends: [], wallClock: { 0 }) }
        guard let registry = open() else { return }
        let again = try unwrap(open(), "it cannot be opened again")
        try expectEqual(again.list(), registry.list(), "clones when opened again")
        for clone in registry.list() {
            try expect(clone.path.hasPrefix("/"), "\(clone.path) is not absolute")
            try expectEqual(try registry.show(clone.name), clone, "a clone by its name")
        }
    }
}
