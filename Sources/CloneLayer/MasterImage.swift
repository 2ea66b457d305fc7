// SPDX-License-Identifier: Apache-2.0

package import FileLayer
package import Metainfo

/// A registered master as the clone layer sees it: verified content at a path that does not change.
package struct MasterImage: Hashable, Sendable {
    /// How the master's bytes are laid out. It is named to every hypervisor and never probed.
    package enum Format: String, Sendable {
        case raw
    }

    package let name: MasterName
    /// Absolute and canonical: no `.`, `..`, doubled slash or symbolic link, because overlays carry it to hypervisors
    /// that resolve it in their own way.
    package let path: String
    /// Size in bytes, as the guest sees the disk; 1 or more.
    package let size: Int64
    package let format: Format
    /// Why its bytes cannot be relied on now, such as a share that is not mounted: one sentence that says what to do. A
    /// clone that reads them is broken for that reason.
    package let problem: String?
    /// Its file as it was checked, where others may write to it; `nil` where nobody does. No clone is made of another.
    package let stamp: FileStamp?

    /// - Throws: ``CloneError`` of kind `.usage` when the path is not absolute and canonical in its spelling or the
    ///   master is empty. Symbolic links cannot be seen from the spelling: they are the caller's to resolve.
    package init(
        name: MasterName, path: String, size: Int64, format: Format = .raw, problem: String? = nil,
        stamp: FileStamp? = nil
    ) throws(CloneError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let odd = parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
        guard path.utf8.first == 0x2f, !odd, !path.utf8.contains(0) else {
            throw CloneError(.usage, "the path '\(path)' of \(name) is not absolute and canonical; give its full path")
        }
        guard size > 0 else { throw CloneError(.usage, "\(name) is empty, and an empty disk cannot be cloned") }
        self.name = name
        self.path = path
        self.size = size
        self.format = format
        self.problem = problem
        self.stamp = stamp
    }
}
