// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import SqliteStorage
import TrackerStorage

/// `drover-tracker backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database to a new file, with the tracker running or not.",
        discussion: """
            The copy is the database at one moment, checked and on disk when the command ends, and readable by this user \
            alone. A file that is there already is never overwritten. See docs/operating/backup.md.

            EXAMPLE
              drover-tracker backup --database /var/lib/drover/tracker.sqlite /backup/tracker-2026-11-26.sqlite

            EXIT CODES
              0 copied, 1 failed, 2 wrong command line, 3 no such database, 5 the file is there already, 8 the database \
            is damaged, 9 no space.
            """)

    @OptionGroup var place: DatabaseOption
    @Argument(help: "The new file.") var file: String

    func run() async throws {
        try DatabaseCopy(of: place.database, to: file).makeOrFail()
        StandardError.write("\(place.database) is copied to \(file)")
    }
}

/// `drover-tracker restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of a database that is gone.",
        discussion: """
            Nothing is overwritten: move what is left of the old database away before, with the tracker stopped. The \
            tracker begins a new epoch when it runs on the restored database, by which hosts notice that it may know less \
            than they do. See docs/operating/backup.md.

            EXAMPLE
              drover-tracker restore --database /var/lib/drover/tracker.sqlite /backup/tracker-2026-11-26.sqlite

            EXIT CODES
              As with backup.
            """)

    @OptionGroup var place: DatabaseOption
    @Argument(help: "The backup.") var file: String

    func run() async throws {
        // What SQLite keeps beside a database would be taken for part of the restored one.
        for suffix in ["-wal", "-shm", "-journal"] {
            var status = stat()
            guard lstat(place.database + suffix, &status) != 0 else {
                throw DatabaseCopy.Failure.exists(place.database + suffix).asFailure
            }
        }
        try DatabaseCopy(of: file, to: place.database).makeOrFail()
        StandardError.write("\(place.database) is restored from \(file)")
    }
}

extension DatabaseCopy {
    fileprivate func makeOrFail() throws {
        do throws(Failure) { try make() } catch { throw error.asFailure }
    }
}

extension DatabaseCopy.Failure {
    fileprivate var asFailure: TrackerFailure {
        let code: Int32 =
            switch self {
            case .noSource: 3
            case .exists: 5
            case .damaged: 8
            case .noSpace: 9
            case .cannotWrite, .storage: 1
            }
        return TrackerFailure(message: description, code: code)
    }
}
