// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not an acceptable bencoding.
package enum BencodeError: Error, Equatable, Sendable, CustomStringConvertible {
    case truncated
    case unexpectedByte(at: Int)
    case integerOutOfRange(at: Int)
    /// Leading zeros, a negative zero, or an empty number.
    case notCanonical(at: Int)
    /// Dictionary keys that do not ascend strictly by their raw bytes.
    case unsortedKeys(at: Int)
    case tooDeep
    case tooManyValues
    case tooLong
    /// Bytes follow the outermost value.
    case trailingBytes(at: Int)

    package var description: String {
        switch self {
        case .truncated: "it is cut short"
        case .unexpectedByte(let place): "byte \(place) begins no value"
        case .integerOutOfRange(let place): "the number at byte \(place) is out of range"
        case .notCanonical(let place): "the number at byte \(place) has leading zeros, a negative zero or no digits"
        case .unsortedKeys(let place): "the key at byte \(place) is out of order or there twice"
        case .tooDeep: "its values are nested too deeply"
        case .tooManyValues: "it holds too many values"
        case .tooLong: "it is too long"
        case .trailingBytes(let place): "something follows its end at byte \(place)"
        }
    }
}

/// What a decoder accepts. Every bound is met before memory is spent on what it bounds.
package struct BencodeLimits: Sendable {
    /// The longest input, in bytes.
    package var byteCount: Int
    /// How deeply lists and dictionaries may nest.
    package var depth: Int
    /// The number of values, keys included.
    package var valueCount: Int

    package init(byteCount: Int, depth: Int = 32, valueCount: Int) {
        self.byteCount = byteCount
        self.depth = depth
        self.valueCount = valueCount
    }
}

/// Reads canonical bencoding and nothing else (BEP 3): a lenient reader would let two parties see different content
/// under one info-hash.
package struct BencodeDecoder {
    private let input: UnsafeBufferPointer<UInt8>
    private let limits: BencodeLimits
    private let watchedKey: [UInt8]
    private var position = 0
    private var valueCount = 0
    private var watchedSpan: Range<Int>?

    /// Decodes one value that fills `bytes` exactly.
    /// - Throws: the first violation met.
    package static func decode(_ bytes: [UInt8], limits: BencodeLimits) throws(BencodeError) -> Bencode {
        try decode(bytes, watching: "", limits: limits).value
    }

    /// Decodes one value and also tells where the value of `key` stands, when the outermost value is a dictionary that
    /// has it: an info-hash is over exactly those bytes.
    package static func decode(
        _ bytes: [UInt8], watching key: String, limits: BencodeLimits
    ) throws(BencodeError) -> (value: Bencode, span: Range<Int>?) {
        guard bytes.count <= limits.byteCount else { throw .tooLong }
        let outcome = bytes.withUnsafeBufferPointer { input -> Result<(Bencode, Range<Int>?), BencodeError> in
            var decoder = BencodeDecoder(input: input, limits: limits, watchedKey: Array(key.utf8))
            do throws(BencodeError) {
                let value = try decoder.value(depth: 0)
                guard decoder.position == input.count else { throw .trailingBytes(at: decoder.position) }
                return .success((value, decoder.watchedSpan))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Decodes one value from the front of `bytes` and tells how many bytes it took; more may follow, as in the
    /// metadata messages of BEP 9.
    package static func decodePrefix(
        _ bytes: [UInt8], limits: BencodeLimits
    ) throws(BencodeError) -> (value: Bencode, byteCount: Int) {
        guard bytes.count <= limits.byteCount else { throw .tooLong }
        let outcome = bytes.withUnsafeBufferPointer { input -> Result<(Bencode, Int), BencodeError> in
            var decoder = BencodeDecoder(input: input, limits: limits, watchedKey: [])
            do throws(BencodeError) {
                let value = try decoder.value(depth: 0)
                return .success((value, decoder.position))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    private init(input: UnsafeBufferPointer<UInt8>, limits: BencodeLimits, watchedKey: [UInt8]) {
        self.input = input
        self.limits = limits
        self.watchedKey = watchedKey
    }

    private mutating func value(depth: Int) throws(BencodeError) -> Bencode {
        guard depth <= limits.depth else { throw .tooDeep }
        try count()
        switch try peek() {
        case UInt8(ascii: "i"):
            position += 1
            return .integer(try integer(terminator: UInt8(ascii: "e"), mayBeNegative: true))
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .string(try string())
        case UInt8(ascii: "l"):
            position += 1
            var values: [Bencode] = []
            while try peek() != UInt8(ascii: "e") { values.append(try value(depth: depth + 1)) }
            position += 1
            return .list(values)
        case UInt8(ascii: "d"):
            position += 1
            return .dictionary(try entries(depth: depth))
        default:
            throw .unexpectedByte(at: position)
        }
    }

    private mutating func entries(depth: Int) throws(BencodeError) -> [Bencode.Entry] {
        var entries: [Bencode.Entry] = []
        while try peek() != UInt8(ascii: "e") {
            try count()
            let start = position
            let key = try string()
            if let last = entries.last, !last.key.lexicographicallyPrecedes(key) { throw .unsortedKeys(at: start) }
            let valueStart = position
            entries.append(Bencode.Entry(key: key, value: try value(depth: depth + 1)))
            // checked: reading only moves forwards.
            if depth == 0, key == watchedKey { watchedSpan = valueStart..<position }
        }
        position += 1
        return entries
    }

    private mutating func string() throws(BencodeError) -> [UInt8] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(try peek()) else { throw .unexpectedByte(at: position) }
        let length = try integer(terminator: UInt8(ascii: ":"), mayBeNegative: false)
        guard length <= Int64(input.count - position) else { throw .truncated }
        // checked: the line above: so many bytes are left.
        let bytes = Array(input[position..<position + Int(length)])
        position += Int(length)
        return bytes
    }

    private mutating func integer(terminator: UInt8, mayBeNegative: Bool) throws(BencodeError) -> Int64 {
        let start = position
        var isNegative = false
        if mayBeNegative, try peek() == UInt8(ascii: "-") {
            isNegative = true
            position += 1
        }
        let firstDigit = position
        var value: Int64 = 0
        while true {
            let byte = try peek()
            if byte == terminator { break }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { throw .unexpectedByte(at: position) }
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            guard !overflow, !overflowed else { throw .integerOutOfRange(at: start) }
            value = sum
            position += 1
        }
        let digits = position - firstDigit
        // checked: the first digit was read already.
        let hasLeadingZero = digits > 1 && input[firstDigit] == UInt8(ascii: "0")
        guard digits > 0, !hasLeadingZero, !(isNegative && value == 0) else { throw .notCanonical(at: start) }
        position += 1
        return value
    }

    private mutating func count() throws(BencodeError) {
        valueCount += 1
        guard valueCount <= limits.valueCount else { throw .tooManyValues }
    }

    private func peek() throws(BencodeError) -> UInt8 {
        guard position < input.count else { throw .truncated }
        // checked: the line above.
        return input[position]
    }
}
