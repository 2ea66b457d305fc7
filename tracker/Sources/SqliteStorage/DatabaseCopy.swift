// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
package import TrackerStorage

/// A database as it is at one moment, in a file of its own: how backups are made, and how they come back. Trackers may
/// write to the database meanwhile. The copy carries a mark, by which a tracker that runs on it knows that it is one.
package struct DatabaseCopy: Sendable {
    package let source: String
    package let destination: String

    package init(of source: String, to destination: String) {
        self.source = source
        self.destination = destination
    }

    /// Why there is no copy. The destination is as it was.
    package enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case noSource(String)
        /// There is something in the copy's place, which is left alone.
        case exists(String)
        case cannotWrite(String, reason: String)
        case noSpace(String)
        /// The database is damaged.
        case damaged(String, reason: String)
        case storage(StorageError)

        package var description: String {
            switch self {
            case .noSource(let path): "There is no database \(path); name the one that the tracker runs on."
            case .exists(let path): "\(path) is there already and is left alone; name a new file."
            case .cannotWrite(let path, let reason):
                "The copy \(path) cannot be written (\(reason)); check its folder and name another place."
            case .noSpace(let path): "There is no room for the copy \(path); free some or name another place."
            case .damaged(let path, let reason):
                "The database \(path) is damaged (\(reason)), and nothing was copied; go back to an older backup."
            case .storage(let error): error.description
            }
        }
    }

    /// Makes the copy, durable and for this user alone.
    package func make() throws(Failure) {
        var status = stat()
        guard stat(source, &status) == 0 else { throw .noSource(source) }
        guard lstat(destination, &status) != 0 else { throw .exists(destination) }
        // Beside its place, so that what has its name is always whole.
        let partial = "\(destination).partial-\(String(UInt32.random(in: .min ... .max), radix: 16))"
        let file = open(partial, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .cannotWrite(destination, reason: String(cString: strerror(errno))) }
        defer { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(partial + suffix) } }
        close(file)
        do {
            try fill(partial)
        } catch let error as Failure {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .storage(.foreign(place: source))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw .noSpace(destination)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            throw .damaged(source, reason: error.message ?? "SQLite result 11")
        } catch {
            throw .cannotWrite(destination, reason: "\(error)")
        }
        try sync(partial)
        guard link(partial, destination) == 0 else {
            throw errno == EEXIST
                ? .exists(destination) : .cannotWrite(destination, reason: String(cString: strerror(errno)))
        }
        try sync(Self.folder(of: destination))
    }

    private func fill(_ partial: String) throws {
        var configuration = SqliteStorage.configuration
        configuration.readonly = true
        let original = try DatabaseQueue(path: source, configuration: configuration)
        let copy = try DatabaseQueue(path: partial)
        guard try original.read({ try $0.tableExists("grdb_migrations") && $0.tableExists("master") }) else {
            throw Failure.storage(.foreign(place: source))
        }
        try original.backup(to: copy)
        try copy.writeWithoutTransaction { database in
            // One file holds all of it.
            try database.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL")
            try CopyMark.set(in: database)
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
            guard verdict == "ok" else { throw Failure.damaged(source, reason: verdict) }
        }
        try copy.close()
        try original.close()
    }

    private func sync(_ path: String) throws(Failure) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .cannotWrite(destination, reason: String(cString: strerror(errno))) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .cannotWrite(destination, reason: String(cString: strerror(errno))) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
