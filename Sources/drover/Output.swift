// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials

/// How a result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// The option of every command that prints a result.
struct OutputOptions: ParsableArguments {
    @Option(help: "Print the result as a table for people or as JSON for programs.")
    var format = OutputFormat.table

    @Flag(name: .shortAndLong, help: "Show no progress and no notes.")
    var quiet = false

    /// Prints one result: `payload` as JSON, or `rows` under `columns`.
    func print(_ payload: some Encodable, columns: [String], rows: [[String]]) throws {
        switch format {
        case .json: try Self.json(payload)
        case .table: Terminal.data(Table(columns: columns, rows: rows).description)
        }
    }

    /// Prints one thing: `payload` as JSON, or its fields line by line.
    func print(_ payload: some Encodable, fields: KeyValuePairs<String, String?>) throws {
        guard format == .table else { return try Self.json(payload) }
        let width = fields.map(\.key.count).max() ?? 0
        for (name, value) in fields {
            guard let value else { continue }
            Terminal.data(name + String(repeating: " ", count: width - name.count + 2) + value)
        }
    }

    static func json(_ payload: some Encodable, onOneLine: Bool = false) throws {
        Terminal.data(try text(of: payload, onOneLine: onOneLine))
    }

    /// JSON with its keys in order.
    static func text(of payload: some Encodable, onOneLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            onOneLine
            ? [.sortedKeys, .withoutEscapingSlashes] : [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(payload), as: UTF8.self)
    }
}

/// Text in columns; the last one is as wide as it likes.
struct Table: CustomStringConvertible {
    let columns: [String]
    let rows: [[String]]

    var description: String {
        let lines = [columns.map { $0.uppercased() }] + rows
        let widths = columns.indices.map { column in lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return lines.map { line in
            // Empty cells at the end leave nothing behind.
            let last = line.lastIndex { !$0.isEmpty } ?? -1
            return line.prefix(last + 1).enumerated().map { index, cell in
                index == last ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
