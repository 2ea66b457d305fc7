// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What keeps a second tracker from running on the same database: it would take for interrupted what the first one is about
/// to do.
///
/// A file of its own beside the database. Closing any descriptor of the database itself would take SQLite's locks away.
struct DatabaseLock: ~Copyable {
    private let file: Int32

    /// - Throws: ``TrackerFailure`` when another tracker runs on it, or the file cannot be made.
    init(of database: String) throws(TrackerFailure) {
        let path = Self.real(database) + ".lock"
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            let reason = String(cString: strerror(errno))
            throw TrackerFailure(message: "\(path) cannot be made: \(reason). Check the folder and its permissions.")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(file)
            guard reason == EWOULDBLOCK else {
                throw TrackerFailure(message: "\(path) cannot be locked: \(String(cString: strerror(reason))).")
            }
            throw TrackerFailure(
                message: "Another drover-tracker runs on \(database); stop it first, or name another --database.",
                code: 5)
        }
        self.file = file
    }

    /// One database has one lock, by whatever links it was named; at first only its folder is there.
    private static func real(_ database: String) -> String {
        func resolved(_ path: String) -> String? {
            guard let resolved = realpath(path, nil) else { return nil }
            defer { free(resolved) }
            return String(cString: resolved)
        }
        if let path = resolved(database) { return path }
        guard let slash = database.lastIndex(of: "/") else { return database }
        return (resolved(String(database[...slash])) ?? "") + String(database[slash...])
    }

    // The file stays: whoever removed it would let a third tracker in beside one that still holds it.
    deinit { close(file) }
}
