// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// Names and contents, without any notion of what is durable.
struct MemoryTree: Sendable {
    struct Inode: Sendable {
        var bytes: [UInt8] = []
        var mode: UInt32 = 0o644
        /// The time of the last change of content; no two changes bear the same.
        var modified: Int64 = 0
    }

    enum Entry: Sendable {
        case directory
        case file(Int)
    }

    var directories: [String: [String: Entry]] = ["/": [:]]
    var inodes: [Int: Inode] = [:]
    var nextInode = 1
    /// Later than every change so far.
    var now: Int64 = 1

    func isDirectory(_ path: String) -> Bool { directories[path] != nil }

    func inode(_ path: String) -> Int? {
        guard case .file(let inode) = directories[path.parentDirectory]?[path.lastPathComponent] else { return nil }
        return inode
    }

    func status(_ path: String) -> FileStatus? {
        if isDirectory(path) {
            return FileStatus(size: 0, allocated: 0, modified: 0, changed: 0, mode: 0o755, isDirectory: true)
        }
        guard let inode = inode(path).flatMap({ inodes[$0] }) else { return nil }
        return FileStatus(
            size: Int64(inode.bytes.count), allocated: Int64(inode.bytes.count), modified: inode.modified,
            changed: inode.modified,
            mode: inode.mode, isDirectory: false)
    }

    /// Carries a change out; syncs do nothing here.
    mutating func apply(_ change: CrashFiles.Change) {
        switch change {
        case .create(_, _, let time), .write(_, _, _, let time), .truncate(_, _, let time): now = max(now, time + 1)
        default: break
        }
        switch change {
        case .makeDirectory(let path):
            directories[path.parentDirectory]?[path.lastPathComponent] = .directory
            directories[path] = directories[path] ?? [:]
        case .create(let path, let inode, let time):
            inodes[inode] = Inode(modified: time)
            nextInode = max(nextInode, inode + 1)
            directories[path.parentDirectory]?[path.lastPathComponent] = .file(inode)
        case .rename(let from, let to):
            let entry = directories[from.parentDirectory]?.removeValue(forKey: from.lastPathComponent)
            directories[to.parentDirectory]?[to.lastPathComponent] = entry
        case .remove(let path):
            directories[path.parentDirectory]?[path.lastPathComponent] = nil
        case .write(let inode, let bytes, let offset, let time):
            write(inode, bytes, offset, time)
        case .truncate(let inode, let size, let time):
            update(inode) { file in
                if size < file.bytes.count {
                    file.bytes.removeLast(file.bytes.count - size)
                } else {
                    file.bytes += [UInt8](repeating: 0, count: size - file.bytes.count)
                }
                file.modified = time
            }
        case .setMode(let inode, let mode):
            update(inode) { $0.mode = mode }
        case .sync, .failedSync, .syncDirectory: break
        }
    }

    private mutating func write(_ inode: Int, _ bytes: [UInt8], _ offset: Int, _ time: Int64) {
        update(inode) { file in
            let end = offset + bytes.count
            if end > file.bytes.count {
                file.bytes += [UInt8](repeating: 0, count: end - file.bytes.count)
            }
            file.bytes.replaceSubrange(offset..<end, with: bytes)
            file.modified = time
        }
    }

    /// Changes a file; one that is not on this disk yet is made first.
    private mutating func update(_ inode: Int, _ body: (inout Inode) -> Void) {
        body(&inodes[inode, default: Inode()])
        nextInode = max(nextInode, inode + 1)
    }
}
