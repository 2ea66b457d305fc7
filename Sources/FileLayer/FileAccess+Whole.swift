// SPDX-License-Identifier: Apache-2.0

extension FileAccess {
    /// The whole content of a small file.
    /// - Parameter limit: the largest size that is read, in bytes.
    /// - Throws: `.notFound`, or `.tooLarge` when the file holds more than `limit`.
    package func contents(of path: String, limit: Int) throws(FileError) -> [UInt8] {
        let file = try open(path, .read)
        let size = try file.size()
        guard size <= Int64(limit) else {
            throw FileError(.tooLarge, operation: "read", path: path, reason: "it holds more than \(limit) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(FileError) in
            try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Puts `bytes` at `path` so that a crash leaves either the old content or the new one: written beside it, synced,
    /// renamed, and the directory synced.
    package func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        try replace(path, with: bytes, .createNew)
    }

    /// The same for what nobody but its owner may read (mode 0600).
    package func replacePrivate(_ path: String, with bytes: [UInt8]) throws(FileError) {
        try replace(path, with: bytes, .createPrivate)
    }

    private func replace(_ path: String, with bytes: [UInt8], _ mode: OpenMode) throws(FileError) {
        let temporary = path + ".new"
        try remove(temporary)
        let file = try open(temporary, mode)
        do throws(FileError) {
            try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
                try file.write(UnsafeRawBufferPointer(buffer), at: 0)
            }
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            try? remove(temporary)
            throw error
        }
        try syncDirectory(path.parentDirectory)
    }
}

extension String {
    /// The path without its last component; `/` for a file at the root.
    package var parentDirectory: String {
        guard let slash = lastIndex(of: "/"), slash != startIndex else { return "/" }
        return String(self[..<slash])
    }

    /// The path's last component.
    package var lastPathComponent: String {
        guard let slash = lastIndex(of: "/") else { return self }
        return String(self[index(after: slash)...])
    }
}
