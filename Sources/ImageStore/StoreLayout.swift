// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Glibc

/// Where everything in a store lies. One master is three files, one fetch up to four, each named `NAME@VERSION`.
package struct StoreLayout: Hashable, Sendable {
    /// The store's folder: absolute, without a trailing slash.
    package let root: String

    /// - Parameter root: an absolute path; trailing slashes go.
    package init(root: String) {
        var root = root
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        self.root = root
    }

    /// Held by the one process that works on the store.
    package var lock: String { "\(root)/lock" }
    /// The running peer's control socket. The path may be longer than a socket name can be.
    package var controlSocket: String { "\(root)/control.sock" }
    /// The caps on the peer's rates.
    package var limits: String { "\(root)/limits.json" }
    /// Verified images with their torrents and records.
    package var masters: String { "\(root)/masters" }
    /// What is being fetched or imported.
    package var partials: String { "\(root)/partial" }
    package var clones: String { "\(root)/clones" }
    /// Which version each line stands at.
    package var active: String { "\(root)/active" }
    /// Whom this host trusts, and what it has seen signed.
    package var trust: String { "\(root)/trust" }

    /// Which fleet this host is enrolled in.
    package var identity: String { "\(root)/identity" }

    /// What a tracker ordered, and how far that is.
    package var orders: String { "\(root)/orders.json" }

    package func masterImage(_ name: MasterName) -> String { "\(masters)/\(name).raw" }
    package func masterTorrent(_ name: MasterName) -> String { "\(masters)/\(name).torrent" }
    package func masterRecord(_ name: MasterName) -> String { "\(masters)/\(name).json" }
    package func activeRecord(_ line: String) -> String { "\(active)/\(line).json" }
    package func partialImage(_ name: MasterName) -> String { "\(partials)/\(name).raw" }
    package func partialTorrent(_ name: MasterName) -> String { "\(partials)/\(name).torrent" }
    package func journal(_ name: MasterName) -> String { "\(partials)/\(name).journal" }
    package func fetchRecord(_ name: MasterName) -> String { "\(partials)/\(name).json" }
    /// An image that is being made from a source; it never outlives the process that makes it.
    package func importedImage(_ name: MasterName) -> String { "\(partials)/\(name).import" }

    /// The absolute path that `path` stands for, without symbolic links as far as it exists: overlays carry a master's
    /// path to hypervisors, which resolve it in their own way.
    package static func resolve(_ path: String) -> String {
        if let resolved = realPath(path) { return resolved }
        let trimmed = StoreLayout(root: path).root
        guard trimmed != "/", trimmed.contains("/") else {
            return (realPath(".") ?? "") + "/" + trimmed
        }
        let parent = trimmed.first == "/" || trimmed.parentDirectory != "/" ? trimmed.parentDirectory : "."
        return StoreLayout(root: resolve(parent)).root.appendingComponent(trimmed.lastPathComponent)
    }

    private static func realPath(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}

extension String {
    fileprivate func appendingComponent(_ name: String) -> String { self == "/" ? "/\(name)" : "\(self)/\(name)" }
}
