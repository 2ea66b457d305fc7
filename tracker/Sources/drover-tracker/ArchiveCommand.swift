// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AuditTrail
import Glibc
import SqliteStorage
import TrackerStorage

extension AuditCommand {
    /// `drover-tracker audit archive`.
    struct Archive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "archive",
            abstract: "Move old records into a new file, so that the trail has room again.",
            discussion: """
                The trail goes on after the last record that was moved, whose hash it keeps: “audit verify --archive FILE” \
                checks file and trail together. The records are removed once the file is on disk. The trail holds ten \
                million records, and what cannot be written down there is refused.

                EXAMPLE
                  drover-tracker audit archive --database /var/lib/drover/tracker.sqlite --older-than 400 /backup/audit-1

                EXIT CODES
                  0 moved, or nothing is that old; 1 failed, 3 no such database, 5 the file is there already, 8 the trail \
                was changed, 9 no space.
                """)

        @OptionGroup var place: DatabaseOption
        @Option(help: ArgumentHelp("Move what is older than this; 0 for all.", valueName: "days"))
        var olderThan = 400
        @Argument(help: "The new file.") var file: String

        func validate() throws {
            guard (0...36_500).contains(olderThan) else { throw ValidationError("--older-than takes 0 to 36500 days.") }
        }

        func run() async throws {
            let (file, limit) = (file, now() - Int64(olderThan) * 86_400)
            let (first, found) = try await old(until: limit)
            guard let last = found else {
                StandardError.write("No record is older than \(olderThan) days; nothing was moved")
                return
            }
            try await place.withStorage { storage in
                let archive = try AuditArchive(creating: file)
                var number = first
                while number < last.count {
                    let page = try await storage.auditLines(after: number, limit: StorageLimits.page)
                    let lines = page.elements.prefix(last.count - number)
                    guard !lines.isEmpty else { break }
                    try archive.write(lines)
                    number += lines.count
                }
                try archive.finish()
                let record = AuditRecord(
                    at: now(), actor: "local (user \(getuid()))", action: "audit.archive", subject: file,
                    before: "\(first + 1) to \(last.count)", after: last.head)
                guard number == last.count, try await storage.removeAudit(upTo: last, record) else {
                    throw TrackerFailure(
                        message: "Somebody else moved these records meanwhile; remove \(file) and try again.")
                }
            }
            print("\(last.count - first) records are in \(file), up to number \(last.count), head \(last.head)")
        }

        /// Where the trail begins, and the chain at the last of its first records that are old.
        private func old(until limit: Int64) async throws -> (first: Int, last: AuditChain?) {
            var (first, last): (Int?, AuditChain?)
            var isOld = true
            _ = try await place.verified { record, chain in
                first = first ?? record.number - 1
                isOld = isOld && record.at <= limit
                if isOld { last = chain }
            }
            return (first ?? 0, last)
        }
    }
}
