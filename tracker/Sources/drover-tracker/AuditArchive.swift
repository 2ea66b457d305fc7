// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import FoundationEssentials
import Glibc

/// A file of records that were moved out of the trail, line by line as they stood there.
struct AuditArchive {
    private let path: String
    private let file: Int32

    /// Makes a new file, which nobody else may read.
    init(creating path: String) throws(TrackerFailure) {
        self.path = path
        file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure(path, errno) }
    }

    /// The file is removed when that fails.
    func write(_ lines: some Sequence<String>) throws(TrackerFailure) {
        var bytes = Array(lines.map { $0 + "\n" }.joined().utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw abandoned() }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Returns when the file is on disk, and its name as well.
    func finish() throws(TrackerFailure) {
        guard fsync(file) == 0 else { throw abandoned() }
        close(file)
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let folder = Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if folder >= 0 { close(folder) } }
        guard folder >= 0, fsync(folder) == 0 else { throw Self.failure(path, errno) }
    }

    /// The chain over the records of archives, oldest first; `nil` for none.
    /// - Parameter visit: called with the chain after each record.
    static func chain(over paths: [String], visit: (AuditChain) -> Void) throws(TrackerFailure) -> AuditChain? {
        var chain = AuditChain()
        for path in paths {
            guard let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else {
                throw TrackerFailure(message: "The archive \(path) cannot be read.", code: 3)
            }
            for line in data.split(separator: 0x0a) {
                do throws(AuditChain.Break) {
                    _ = try chain.follow(String(decoding: line, as: UTF8.self))
                } catch {
                    throw TrackerFailure(
                        message: "The archive \(path) was changed, or one before it is missing: \(error).", code: 8)
                }
                visit(chain)
            }
        }
        return paths.isEmpty ? nil : chain
    }

    private func abandoned() -> TrackerFailure {
        let failure = Self.failure(path, errno)
        close(file)
        unlink(path)
        return failure
    }

    private static func failure(_ path: String, _ error: Int32) -> TrackerFailure {
        let code: Int32 = error == EEXIST ? 5 : error == ENOSPC || error == EDQUOT ? 9 : 1
        let reason =
            error == EEXIST
            ? "it is there already; name a new file, or remove it if an archiving that was cut off left it"
            : String(cString: strerror(error))
        return TrackerFailure(message: "\(path) cannot be written: \(reason).", code: code)
    }
}
