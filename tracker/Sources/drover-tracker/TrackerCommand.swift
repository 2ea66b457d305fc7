// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Metainfo

/// `drover-tracker`: the program.
@main
struct TrackerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drover-tracker",
        abstract: "Tells Drover's peers about each other, and keeps the catalogue of published masters.",
        discussion: """
            Peers announce to it which image they have or want, and learn from it whom to swap pieces with. \
            The images themselves never pass through it.

            EXIT CODES
              0   It was told to stop, and did; or the command is done.
              1   It cannot run: the message says why and what to do.
              2   The command line is wrong.
              3   There is no such database or token.
              5   A file is there already.
              8   The audit trail was changed, or the database is damaged.
              9   No space.
            """,
        version: ProgramVersion.text,
        subcommands: [
            RunCommand.self, FleetCommand.self, TokenCommand.self, HostCommand.self, AdminCommand.self,
            OperatorCommand.self, AuditCommand.self, BackupCommand.self,
            RestoreCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as TrackerFailure {
            StandardError.write("drover-tracker: \(error.message)")
            Glibc.exit(error.code)
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            guard code != .success else {
                print(message)
                Glibc.exit(0)
            }
            if !message.isEmpty { StandardError.write(message) }
            // ArgumentParser leaves with 64 (EX_USAGE) where Drover's programs leave with 2.
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}

/// Why the program cannot go on, as one sentence.
struct TrackerFailure: Error {
    let message: String
    /// The exit code.
    var code: Int32 = 1
}

/// Notes for people; data would go to standard output.
enum StandardError {
    /// Writes one line. A reader that has gone away is no reason to stop.
    static func write(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
