// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AuditTrail
import FoundationEssentials
import SqliteStorage
import TrackerStorage

/// `drover-tracker audit`.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show what was done and tried at the tracker, and check that nobody changed the record of it.",
        subcommands: [List.self, Verify.self, Archive.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show the newest records.",
            discussion: """
                EXIT CODES
                  0 shown, 1 failed, 3 no such database, 8 the trail was changed.
                """)

        enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

        @OptionGroup var place: DatabaseOption
        @Option(help: ArgumentHelp("How many.", valueName: "count")) var last = 100
        @Option(help: ArgumentHelp("text, or json: one record a line.", valueName: "format")) var format = Format.text

        func validate() throws {
            guard (1...1_000_000).contains(last) else { throw ValidationError("--last takes 1 to 1000000.") }
        }

        func run() async throws {
            let format = format
            var newest: [AuditRecord] = []
            _ = try await place.verified { record, _ in
                newest.append(record)
                // Dropped in one go now and then, which is cheaper than one by one.
                if newest.count >= 2 * last { newest.removeFirst(newest.count - last) }
            }
            for record in newest.suffix(last) { print(try Self.line(record, format)) }
        }

        private static func line(_ record: AuditRecord, _ format: Format) throws -> String {
            if format == .json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                return String(decoding: try encoder.encode(record), as: UTF8.self)
            }
            let change = [record.before, record.after].compactMap { $0 }.joined(separator: " -> ")
            return [
                "\(record.number)", moment(record.at), record.actor, record.origin ?? "-", record.action,
                record.subject.isEmpty ? "-" : record.subject, record.outcome, change, record.request ?? "",
            ].filter { !$0.isEmpty }.map(printable).joined(separator: "  ")
        }

        /// Others chose these words; none of them may steer a terminal.
        private static func printable(_ text: String) -> String {
            String(
                String.UnicodeScalarView(
                    text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check the whole trail, and print how long it is and its head.",
            discussion: """
                Each record vouches for those before it, so whoever changes one has to change all later ones. Keep the head \
                somewhere else from time to time: with --head, a trail that was cut short or written anew is found out too. \
                Where old records were moved to archives, name all of these, oldest first, and they are checked too.

                EXIT CODES
                  0 whole, 1 failed, 3 no such database, 8 the trail was changed.
                """)

        @OptionGroup var place: DatabaseOption
        @Option(help: ArgumentHelp("A head that was printed before, which the trail must have had.", valueName: "hash"))
        var head: String?
        @Option(help: ArgumentHelp("An archive of older records; repeat it for each.", valueName: "file"))
        var archive: [String] = []

        func run() async throws {
            let head = head
            var isMet = head == nil
            let archived = try AuditArchive.chain(over: archive) { isMet = isMet || $0.head == head }
            let chain = try await place.verified(after: archived) { _, chain in isMet = isMet || chain.head == head }
            guard isMet else {
                throw TrackerFailure(
                    message: "The trail never had the head \(head ?? ""): it was cut short or written anew. "
                        + "Compare it with a backup.", code: 8)
            }
            print("\(chain.count) \(chain.count == 1 ? "record" : "records"), head \(chain.head)")
        }
    }
}

extension DatabaseOption {
    /// Goes through the audit trail, from where its archives end.
    func verified(
        after archived: AuditChain? = nil, _ visit: (AuditRecord, AuditChain) throws -> Void
    ) async throws -> AuditChain {
        try await withStorage { storage in
            do {
                return try await storage.verifiedAudit(after: archived, visit: visit)
            } catch let error as AuditChain.Break {
                throw TrackerFailure(
                    message: "The audit trail was changed: \(error). Compare it with a backup.", code: 8)
            }
        }
    }
}
