// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
import TrackerStorage

/// A list that is read page by page.
struct Paging<Element: Sendable, Cursor: Sendable> {
    /// The bytes at which a page ends, whatever its limit.
    static var byteCount: Int { 8 << 20 }

    let limit: Int
    let read: (Row) throws -> Element
    let cursor: (Element) -> Cursor
    var size: (Element) -> Int = { _ in 0 }

    /// The page that a query without a LIMIT of its own gives.
    func page(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws -> Page<Element, Cursor> {
        let limit = min(max(limit, 1), StorageLimits.page)
        let rows = try Row.fetchCursor(database, sql: "\(sql) LIMIT \(limit + 1)", arguments: arguments)
        var elements: [Element] = []
        var bytes = 0
        while let row = try rows.next() {
            if let last = elements.last, elements.count == limit || bytes >= Self.byteCount {
                return Page(elements, next: cursor(last))
            }
            let element = try read(row)
            bytes += size(element)
            elements.append(element)
        }
        return Page(elements, next: nil)
    }
}

/// How values that SQL has no type for stand in a column: as JSON with sorted keys.
enum Column {
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_ json: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
        } catch {
            throw StorageError.failed(reason: "a column holds what this program did not write")
        }
    }
}

extension StorageLimits {
    /// - Throws: when the bytes are more than the limit.
    func hold(_ count: Int, _ what: String, _ limit: Int) throws(StorageError) {
        guard count <= limit else { throw .tooLarge(what: what, limit: limit) }
    }

    /// - Throws: when any of the keys is too long.
    func holdKeys(_ keys: String...) throws(StorageError) {
        for key in keys { try hold(key.utf8.count, "name", keyByteCount) }
    }

    /// - Throws: when the table has as many rows as it may.
    func room(in table: String, _ database: Database, what: String, limit: Int) throws {
        let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \(table)") ?? 0
        guard count < limit else { throw StorageError.full(what: what, limit: limit) }
    }
}
