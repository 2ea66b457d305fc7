// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Foundation

/// A folder that goes with the object; optionally a file system of its own on a loop device.
final class TestFolder: Sendable {
    enum FileSystem: Sendable {
        case hosts
        case xfs
        case btrfs
    }

    let path: String
    private let base: String
    private let isMounted: Bool

    init(_ fileSystem: FileSystem = .hosts) throws {
        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        base = "\(temporary)/drover-clones-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        isMounted = fileSystem != .hosts
        guard isMounted else {
            path = base
            return
        }
        path = "\(base)/mount"
        let image = "\(base)/image"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try PosixFiles().open(image, .createNew).truncate(to: 512 << 20)
            switch fileSystem {
            case .xfs: try ToolRun.check("mkfs.xfs", "-q", "-m", "reflink=1", image)
            case .btrfs: try ToolRun.check("mkfs.btrfs", "-q", image)
            case .hosts: break
            }
            try ToolRun.check("mount", "-o", "loop", image, path)
        } catch {
            try? FileManager.default.removeItem(atPath: base)
            throw error
        }
    }

    deinit {
        // A lazy unmount as the second try: a mount that stays behind would also keep its loop device.
        if isMounted, (try? ToolRun.check("umount", path)) == nil { _ = try? ToolRun.check("umount", "-l", path) }
        try? FileManager.default.removeItem(atPath: base)
    }
}
