// SPDX-License-Identifier: Apache-2.0

/// Reading what came from outside: every text, number and list has its bound, and what is not known is passed over.
extension KeyedDecodingContainer {
    func text(_ key: Key, limit: Int = FleetLimits.textBytes) throws -> String {
        let text = try decode(String.self, forKey: key)
        try check(text.utf8.count <= limit, key, "has more than \(limit) bytes")
        return text
    }

    func textIfPresent(_ key: Key, limit: Int = FleetLimits.textBytes) throws -> String? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        return try text(key, limit: limit)
    }

    /// A number of the range, or `fallback` where there is none.
    func number(_ key: Key, _ range: ClosedRange<Int>, default fallback: Int? = nil) throws -> Int {
        guard let number = try decodeIfPresent(Int.self, forKey: key) ?? fallback else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "\(key.stringValue) is missing"))
        }
        try check(range.contains(number), key, "is not from \(range.lowerBound) to \(range.upperBound)")
        return number
    }

    func numberIfPresent(_ key: Key, _ range: ClosedRange<Int>) throws -> Int? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        return try number(key, range)
    }

    /// Bytes, or bytes a second, of which a few thousand can be added up.
    func amount(_ key: Key) throws -> UInt64 {
        let amount = try decode(UInt64.self, forKey: key)
        try check(amount <= 1 << 50, key, "is more than there can be")
        return amount
    }

    /// A list, empty where there is none.
    func list<Element: Decodable>(_ key: Key, limit: Int) throws -> [Element] {
        guard contains(key), try !decodeNil(forKey: key) else { return [] }
        var items = try nestedUnkeyedContainer(forKey: key)
        var list: [Element] = []
        while !items.isAtEnd {
            try check(list.count < limit, key, "has more than \(limit) entries")
            list.append(try items.decode(Element.self))
        }
        return list
    }

    /// Words and what is said of them, empty where there are none.
    func table<Value: Decodable>(_ key: Key, limit: Int) throws -> [String: Value] {
        guard contains(key), try !decodeNil(forKey: key) else { return [:] }
        let table = try decode([String: Value].self, forKey: key)
        try check(table.count <= limit, key, "has more than \(limit) entries")
        try check(
            table.keys.allSatisfy { $0.utf8.count <= FleetLimits.wordBytes }, key,
            "has a name of more than \(FleetLimits.wordBytes) bytes")
        return table
    }

    func flag(_ key: Key) throws -> Bool { try decodeIfPresent(Bool.self, forKey: key) ?? false }

    func check(_ holds: Bool, _ key: Key, _ fault: String) throws {
        guard holds else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(key.stringValue) \(fault)")
        }
    }
}
