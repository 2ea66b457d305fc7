// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Synchronization

extension CrashFiles {
    /// What of the changes that were not synced reaches the disk.
    package enum Survival: Hashable, Sendable, CustomStringConvertible {
        /// Everything: the process was killed, the machine lives.
        case everything
        /// Nothing: the power failed.
        case onlySynced
        /// Everything, but half of the last write.
        case tornLastWrite
        /// Each change or not, and some writes in part, by this seed.
        case some(seed: UInt64)

        package var description: String {
            switch self {
            case .everything: "all survives"
            case .onlySynced: "only what was synced survives"
            case .tornLastWrite: "the last write is torn"
            case .some(let seed): "some survives (seed \(seed))"
            }
        }
    }

    /// The file system as it is found after a crash that followed the first `count` changes.
    package func afterCrash(changes count: Int, _ survival: Survival) -> CrashFiles {
        let (base, log) = state.withLock { ($0.base, Array($0.log.prefix(count))) }
        // A killed process leaves its changes in the cache, from where a later crash may still take them.
        if survival == .everything { return CrashFiles(base: base, log: log) }
        var disk = Disk(base)
        for change in log { disk.take(change) }
        return CrashFiles(base: disk.settle(survival), log: [])
    }
}

/// A disk behind a cache: what has reached it, and what waits.
private struct Disk {
    /// A change that waits, as one thing that happens or does not.
    private enum Waiting {
        case data(inode: Int, CrashFiles.Change)
        /// Changes of entries in one folder.
        case entries(directory: String, [(name: String, MemoryTree.Entry?)])
    }

    private var durable: MemoryTree
    /// All that was done, in order to know what a name stands for when it is renamed.
    private var current: MemoryTree
    private var waiting: [Waiting] = []

    init(_ base: MemoryTree) {
        durable = base
        current = base
    }

    mutating func take(_ change: CrashFiles.Change) {
        switch change {
        case .makeDirectory(let path):
            waiting.append(.entries(directory: path.parentDirectory, [(path.lastPathComponent, .directory)]))
        case .create(let path, let inode, _):
            waiting.append(.entries(directory: path.parentDirectory, [(path.lastPathComponent, .file(inode))]))
        case .remove(let path):
            waiting.append(.entries(directory: path.parentDirectory, [(path.lastPathComponent, nil)]))
        case .rename(let from, let to):
            let entry = current.directories[from.parentDirectory]?[from.lastPathComponent]
            let (old, new) = (from.parentDirectory, to.parentDirectory)
            if old == new {
                waiting.append(
                    .entries(directory: old, [(to.lastPathComponent, entry), (from.lastPathComponent, nil)]))
            } else {
                waiting.append(.entries(directory: new, [(to.lastPathComponent, entry)]))
                waiting.append(.entries(directory: old, [(from.lastPathComponent, nil)]))
            }
        case .write(let inode, _, _, _), .truncate(let inode, _, _), .setMode(let inode, _):
            waiting.append(.data(inode: inode, change))
        case .sync(let inode):
            release { waiting in if case .data(inode, _) = waiting { true } else { false } }
        case .failedSync(let inode):
            waiting.removeAll { waiting in if case .data(inode, .write) = waiting { true } else { false } }
        case .syncDirectory(let directory):
            release { waiting in if case .entries(directory, _) = waiting { true } else { false } }
        }
        current.apply(change)
    }

    private mutating func release(_ isReleased: (Waiting) -> Bool) {
        var rest: [Waiting] = []
        for one in waiting {
            if isReleased(one) { Self.apply(one, to: &durable) } else { rest.append(one) }
        }
        waiting = rest
    }

    private static func apply(_ waiting: Waiting, to tree: inout MemoryTree) {
        switch waiting {
        case .data(_, let change): tree.apply(change)
        case .entries(let directory, let changes):
            for (name, entry) in changes {
                tree.directories[directory, default: [:]][name] = entry
                guard case .file(let inode) = entry, tree.inodes[inode] == nil else { continue }
                tree.inodes[inode] = MemoryTree.Inode()
                tree.nextInode = max(tree.nextInode, inode + 1)
            }
        }
    }

    /// Decides about everything that waits, and drops folders that have no name.
    func settle(_ survival: CrashFiles.Survival) -> MemoryTree {
        var tree = durable
        // New times must not repeat old ones.
        tree.now = max(durable.now, current.now)
        tree.nextInode = current.nextInode
        switch survival {
        case .onlySynced: break
        case .everything:
            for one in waiting { Self.apply(one, to: &tree) }
        case .tornLastWrite:
            let last = waiting.lastIndex { if case .data(_, .write) = $0 { true } else { false } }
            for (index, one) in waiting.enumerated() {
                Self.apply(index == last ? Self.torn(one, at: 0.5) : one, to: &tree)
            }
        case .some(let seed):
            var random = SplitMix(state: seed)
            for one in waiting {
                switch Int.random(in: 0..<5, using: &random) {
                case 0, 1: Self.apply(one, to: &tree)
                case 2: Self.apply(Self.torn(one, at: Double.random(in: 0..<1, using: &random)), to: &tree)
                default: break
                }
            }
        }
        return Self.reachable(tree)
    }

    private static func torn(_ waiting: Waiting, at fraction: Double) -> Waiting {
        guard case .data(let inode, .write(_, let bytes, let offset, let time)) = waiting else { return waiting }
        let part = Array(bytes.prefix(Int(Double(bytes.count) * fraction)))
        return .data(inode: inode, .write(inode: inode, bytes: part, offset: offset, time: time))
    }

    private static func reachable(_ tree: MemoryTree) -> MemoryTree {
        var result = tree
        result.directories = [:]
        var open = ["/"]
        while let path = open.popLast() {
            let entries = tree.directories[path] ?? [:]
            result.directories[path] = entries
            for case (let name, .directory) in entries { open.append(path == "/" ? "/\(name)" : "\(path)/\(name)") }
        }
        return result
    }
}
