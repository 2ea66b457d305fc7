// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import OperatorAccess
import SqliteStorage
import TrackerService
import TrackerStorage

/// `drover-tracker admin`.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Get in when no token is left.", subcommands: [Reset.self])

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset",
            abstract: "Make a one-time admin token; earlier ones that were not used are withdrawn.",
            discussion: """
                The token is printed and kept in FILE.admin-token, which only this user can read. It makes one other \
                token (POST /api/v1/tokens) and nothing else, within a day. Tokens of operators stay as they are; withdraw \
                them with `drover-tracker operator revoke`.

                EXAMPLE
                  drover-tracker admin reset --database /var/lib/drover/tracker.sqlite
                """)

        @OptionGroup var place: DatabaseOption

        func run() async throws {
            try await place.withStorage { storage in
                try await withdrawUnused(storage)
                let made = try await OneTimeToken(database: place.database).make(in: storage)
                try await storage.noteLocal("admin.reset", made.token.id, after: made.token.summary)
                print(made.secret.text)
            }
        }

        private func withdrawUnused(_ storage: SqliteStorage) async throws {
            var page = try await storage.tokens(after: nil, limit: StorageLimits.page)
            while true {
                for token in page.elements where token.isOneTime && token.revoked == nil {
                    _ = try await storage.revokeToken(id: token.id, at: now())
                }
                guard let next = page.next else { return }
                page = try await storage.tokens(after: next, limit: StorageLimits.page)
            }
        }
    }
}

/// The token with which the first operator's token is made.
struct OneTimeToken {
    /// The tracker's database; the token is kept beside it.
    let database: String

    /// Where the token is kept, for this user alone.
    var file: String { database + ".admin-token" }

    /// Makes the token. It is in its file before the tracker knows of it: a crash between leaves one that opens nothing.
    func make(in storage: SqliteStorage) async throws -> NewToken {
        let made = try NewToken(oneTimeFor: "first admin", at: now(), bytes: TokenSecret.freshBytes())
        try keep(made.secret.text + "\n")
        guard try await storage.addToken(made.token, usingUp: nil) else {
            throw TrackerFailure(message: "The token could not be added; try again.")
        }
        return made
    }

    private func keep(_ text: String) throws {
        let partial = file + ".new"
        unlink(partial)
        let descriptor = open(partial, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0, rename(partial, file) == 0
        else {
            let failure = failure()
            unlink(partial)
            throw failure
        }
        let end = file.lastIndex(of: "/")
        let folder = end.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure() }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure() }
    }

    private func failure() -> TrackerFailure {
        TrackerFailure(
            message: "The admin token cannot be kept in \(file) (\(String(cString: strerror(errno)))); "
                + "check the database's folder.")
    }
}
