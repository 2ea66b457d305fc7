// SPDX-License-Identifier: Apache-2.0

/// A bencoded value (BEP 3). Strings are bytes; text is the reader's interpretation.
package enum Bencode: Equatable, Sendable {
    case integer(Int64)
    case string([UInt8])
    indirect case list([Bencode])
    indirect case dictionary([Entry])

    /// One key of a dictionary with its value.
    package struct Entry: Equatable, Sendable {
        package let key: [UInt8]
        package let value: Bencode

        package init(key: [UInt8], value: Bencode) {
            self.key = key
            self.value = value
        }
    }

    /// A string holding the UTF-8 of `text`.
    package static func text(_ text: String) -> Bencode { .string(Array(text.utf8)) }

    /// A dictionary of the entries whose value is not `nil`, sorted by the raw bytes of their keys as BEP 3 requires.
    package static func dictionary(_ entries: KeyValuePairs<String, Bencode?>) -> Bencode {
        sorted(entries.compactMap { key, value in value.map { Entry(key: Array(key.utf8), value: $0) } })
    }

    /// A dictionary with arbitrary keys, sorted by their raw bytes. Keys must differ from each other.
    package static func sorted(_ entries: [Entry]) -> Bencode {
        .dictionary(entries.sorted { $0.key.lexicographicallyPrecedes($1.key) })
    }

    /// The value of `key` when this is a dictionary that has it.
    package subscript(key: String) -> Bencode? {
        guard case .dictionary(let entries) = self else { return nil }
        let bytes = Array(key.utf8)
        return entries.first { $0.key == bytes }?.value
    }

    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var bytes: [UInt8]? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The string as text, or `nil` when it is not a string or not valid UTF-8.
    package var text: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }

    package var list: [Bencode]? {
        if case .list(let value) = self { value } else { nil }
    }

    package var entries: [Entry]? {
        if case .dictionary(let value) = self { value } else { nil }
    }

    /// The value's one canonical encoding, provided its dictionaries are sorted.
    package var encoded: [UInt8] {
        var output: [UInt8] = []
        encode(into: &output)
        return output
    }

    private func encode(into output: inout [UInt8]) {
        switch self {
        case .integer(let value):
            output.append(UInt8(ascii: "i"))
            output.append(contentsOf: String(value).utf8)
            output.append(UInt8(ascii: "e"))
        case .string(let bytes):
            Self.encode(bytes, into: &output)
        case .list(let values):
            output.append(UInt8(ascii: "l"))
            for value in values { value.encode(into: &output) }
            output.append(UInt8(ascii: "e"))
        case .dictionary(let entries):
            output.append(UInt8(ascii: "d"))
            for entry in entries {
                Self.encode(entry.key, into: &output)
                entry.value.encode(into: &output)
            }
            output.append(UInt8(ascii: "e"))
        }
    }

    private static func encode(_ bytes: [UInt8], into output: inout [UInt8]) {
        output.append(contentsOf: String(bytes.count).utf8)
        output.append(UInt8(ascii: ":"))
        output.append(contentsOf: bytes)
    }
}
