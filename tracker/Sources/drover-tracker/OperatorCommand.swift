// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import OperatorAccess
import SqliteStorage
import TrackerService
import TrackerStorage

/// `drover-tracker operator`.
struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator",
        abstract: "Make, list and withdraw operators' tokens, on the tracker's own machine.",
        discussion: """
            Whoever can write to the database needs no token for this; what is done is written to the audit trail. The same \
            is to be had over the network: see docs/operating/operators.md.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a token and print it, once.",
            discussion: """
                EXAMPLES
                  drover-tracker operator create --database tracker.sqlite --name alice --role operator
                  drover-tracker operator create --database tracker.sqlite --name build --role publisher --line 'web-*'
                """)

        @OptionGroup var place: DatabaseOption
        @Option(help: ArgumentHelp("Who holds it, in your words.", valueName: "words")) var name: String
        @Option(
            name: .customLong("role"),
            help: ArgumentHelp(
                "What it allows: viewer, operator, publisher or admin. Repeat it for more.", valueName: "role"))
        var roles: [String]
        @Option(
            name: .customLong("line"),
            help: ArgumentHelp(
                "A line of masters that it is for, such as debian or 'web-*'. Repeat it for more. (default: every line)",
                valueName: "name"))
        var scopes: [String] = []
        @Option(help: ArgumentHelp("After how many days it expires.", valueName: "days")) var days: Int64 = 90

        func run() async throws {
            let made: NewToken
            do throws(NewToken.Fault) {
                guard (1...366).contains(days) else { throw .span }
                made = try NewToken(
                    name: name, roles: roles, scopes: scopes, seconds: days * 86_400, creator: "local", at: now(),
                    bytes: TokenSecret.freshBytes())
            } catch {
                throw TrackerFailure(message: error.description, code: 2)
            }
            try await place.withStorage { storage in
                guard try await storage.addToken(made.token, usingUp: nil) else {
                    throw TrackerFailure(message: "The token could not be added; try again.")
                }
                try await storage.noteLocal(
                    "token.create", "\(made.token.id) (\(made.token.name))", after: made.token.summary)
                print(made.secret.text)
                StandardError.write("It is shown this once. Its id is \(made.token.id).")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show all tokens, without the tokens.")

        @OptionGroup var place: DatabaseOption

        func run() async throws {
            try await place.withStorage { storage in
                var page = try await storage.tokens(after: nil, limit: StorageLimits.page)
                while true {
                    for token in page.elements { print(line(token)) }
                    guard let next = page.next else { return }
                    page = try await storage.tokens(after: next, limit: StorageLimits.page)
                }
            }
        }

        private func line(_ token: OperatorToken) -> String {
            let state =
                token.revoked.map { "\(token.isOneTime ? "ended" : "revoked") \(moment($0))" }
                ?? (token.expires <= now() ? "expired" : "valid")
            let roles = token.isOneTime ? "one-time" : token.roles.map(\.rawValue).sorted().joined(separator: ",")
            let scopes = token.scopes.map(\.description).sorted().joined(separator: ",")
            return [
                token.id, roles, scopes.isEmpty ? "*" : scopes, "until \(moment(token.expires))", state, token.name,
            ]
            .joined(separator: "  ")
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Withdraw a token for good.")

        @OptionGroup var place: DatabaseOption
        @Argument(help: "The token's id, as list shows it.") var id: String

        func run() async throws {
            try await place.withStorage { storage in
                guard let token = try await storage.revokeToken(id: id, at: now()) else {
                    throw TrackerFailure(message: "There is no token \(id); list them first.", code: 3)
                }
                try await storage.noteLocal(
                    "token.revoke", "\(id) (\(token.name))", before: token.revoked == nil ? "valid" : "revoked",
                    after: "revoked")
            }
        }
    }
}
