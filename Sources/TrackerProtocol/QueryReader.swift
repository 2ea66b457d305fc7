// SPDX-License-Identifier: Apache-2.0

/// Why the query of an announce or a scrape is not acceptable.
package enum QueryError: Error, Equatable, Sendable {
    /// The query is longer than ``QueryReader/maximumByteCount``.
    case tooLong
    /// A `%` that two hexadecimal digits do not follow, in the value of the named parameter.
    case badEscape(parameter: String)
}

/// Walks the `name=value` pairs of an HTTP query without building a dictionary of them.
///
/// Values are percent-decoded to bytes, never to text: an info-hash is seldom valid UTF-8. A `+` is a plus sign, as
/// trackers have always read it (BEP 3 escapes by RFC 1738, not as HTML forms do).
struct QueryReader {
    /// The longest query read, in bytes: 8 KiB.
    static let maximumByteCount = 8 * 1024

    private let query: [UInt8]
    private var position = 0

    init(_ query: some StringProtocol) throws(QueryError) {
        guard query.utf8.count <= Self.maximumByteCount else { throw .tooLong }
        self.query = Array(query.utf8)
    }

    /// A parameter as it stands in the query.
    struct Parameter {
        private let query: [UInt8]
        private let name: Range<Int>
        private let value: Range<Int>

        fileprivate init(query: [UInt8], name: Range<Int>, value: Range<Int>) {
            self.query = query
            self.name = name
            self.value = value
        }

        /// Whether the parameter is called `other`.
        func isNamed(_ other: StaticString) -> Bool {
            // checked: the name lies within the query.
            other.withUTF8Buffer { $0.elementsEqual(query[name]) }
        }

        /// The value with its percent-escapes decoded.
        func bytes() throws(QueryError) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(value.count)
            var index = value.lowerBound
            // checked: the index stays within the value, and the value lies within the query.
            while index < value.upperBound {
                guard query[index] == UInt8(ascii: "%") else {
                    bytes.append(query[index])
                    index += 1
                    continue
                }
                guard value.upperBound - index >= 3, let high = Self.digit(query[index + 1]),
                    let low = Self.digit(query[index + 2])
                else { throw .badEscape(parameter: String(decoding: query[name].prefix(32), as: UTF8.self)) }
                bytes.append(high << 4 | low)
                index += 3
            }
            return bytes
        }

        private static func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x41 + 10
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
    }

    /// The next pair, or `nil` at the end. Empty pairs are passed over; a name without `=` has an empty value.
    mutating func next() -> Parameter? {
        while position < query.count {
            // checked: the position is below the count, the end not before it, and the sign between them.
            let start = position
            let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.count
            position = end + 1
            guard end > start else { continue }
            let equals = query[start..<end].firstIndex(of: UInt8(ascii: "="))
            return Parameter(query: query, name: start..<(equals ?? end), value: (equals.map { $0 + 1 } ?? end)..<end)
        }
        return nil
    }
}
