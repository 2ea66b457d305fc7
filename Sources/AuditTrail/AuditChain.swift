// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Metainfo

/// A trail of records in which each line vouches for all before it: a line is the SHA-256 of the line before's hash and of
/// its own record, in hexadecimal, a space, and the record as JSON. Whoever changes, removes or adds a line in the middle
/// has to change every later one; a trail that was cut short at its end still holds, so its last hash belongs in a second
/// place.
package struct AuditChain: Equatable, Sendable {
    /// The longest line in bytes.
    package static let lineLimit = 64 << 10
    /// What the first line's hash is made with.
    private static let beginning = String(repeating: "0", count: hashLength)
    private static let hashLength = 64

    /// How many records there are.
    package private(set) var count = 0
    /// The hash of the last line.
    package private(set) var head = Self.beginning

    /// A trail that begins.
    package init() {}

    /// A trail that goes on after a line of it, which is taken as it stands.
    /// - Returns: `nil` when it cannot be the line of that number.
    package init?(after line: String, number: Int) {
        guard number > 0, let space = line.firstIndex(of: " "), line[..<space].utf8.count == Self.hashLength else {
            return nil
        }
        count = number
        head = String(line[..<space])
    }

    /// A trail whose beginning is kept elsewhere.
    /// - Parameters:
    ///   - head: the hash of the last line that is not here.
    ///   - count: how many lines are not here.
    /// - Returns: `nil` when that is no hash.
    package init?(head: String, count: Int) {
        guard count > 0, head.utf8.count == Self.hashLength, SHA256Digest(hexadecimal: head) != nil else { return nil }
        self.count = count
        self.head = head
    }

    /// Why a line does not belong where it stands.
    package struct Break: Error, Equatable, Sendable, CustomStringConvertible {
        /// The line's place, from 1.
        package let line: Int
        package let reason: String

        package init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }

        package var description: String { "line \(line) \(reason)" }
    }

    /// What a line of a trail says, without asking whether it fits those before it.
    /// - Returns: `nil` when it is no record.
    package static func record(in line: some StringProtocol) -> AuditRecord? {
        guard line.utf8.count <= lineLimit, let space = line.firstIndex(of: " ") else { return nil }
        let json = String(line[line.index(after: space)...])
        return try? JSONDecoder().decode(AuditRecord.self, from: Data(json.utf8))
    }

    /// Gives a record its number and adds it.
    /// - Returns: the record as it stands in the trail, and its line with the line feed.
    package mutating func append(_ record: AuditRecord) -> (record: AuditRecord, line: String) {
        var record = record
        record.number = count + 1
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A record is texts and numbers: there is nothing in it that JSON cannot hold.
        let json = (try? encoder.encode(record)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        head = Self.hash(head, json)
        count += 1
        return (record, "\(head) \(json)\n")
    }

    /// Goes on over a line that was written before.
    /// - Throws: ``Break``; the chain is as it was then.
    package mutating func follow(_ line: some StringProtocol) throws(Break) -> AuditRecord {
        let number = count + 1
        guard line.utf8.count <= Self.lineLimit, let space = line.firstIndex(of: " ") else {
            throw Break(line: number, reason: "is no record")
        }
        let json = String(line[line.index(after: space)...])
        guard Self.hash(head, json) == line[..<space] else {
            throw Break(line: number, reason: "does not fit what stands before it: the trail was changed there")
        }
        guard let record = try? JSONDecoder().decode(AuditRecord.self, from: Data(json.utf8)), record.number == number
        else { throw Break(line: number, reason: "is no record with the number \(number)") }
        head = String(line[..<space])
        count = number
        return record
    }

    private static func hash(_ previous: String, _ json: String) -> String {
        SHA256Digest(hashing: Array(previous.utf8) + Array(json.utf8)).hex
    }
}
