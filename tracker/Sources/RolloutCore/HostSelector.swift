// SPDX-License-Identifier: Apache-2.0

/// Which hosts a rollout is for, by their labels: `rack=r1|r2,role!=database`.
///
/// Terms are parted by commas and all of them must hold. `KEY=VALUE` wants one of the values, which are parted by `|`;
/// `KEY!=VALUE` wants none of them, and holds for hosts without the label. The key `host` stands for the host's name.
/// `all` alone means every host.
package struct HostSelector: Equatable, Sendable, Codable, CustomStringConvertible {
    struct Term: Equatable, Sendable {
        let key: String
        let isNegated: Bool
        let values: [String]
    }

    let terms: [Term]

    /// Every host.
    package static let all = HostSelector(terms: [])

    /// The most terms, and values of one term.
    static let limit = 64

    /// Reads the syntax above.
    package init(_ text: String) throws(HostSelectorError) {
        guard text != "all" else {
            self = .all
            return
        }
        guard !text.isEmpty else { throw .empty }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= Self.limit else { throw .tooLong(Self.limit) }
        var terms: [Term] = []
        for part in parts { terms.append(try Self.term(part)) }
        self.init(terms: terms)
    }

    private init(terms: [Term]) { self.terms = terms }

    private static func term(_ text: Substring) throws(HostSelectorError) -> Term {
        guard let equals = text.firstIndex(of: "=") else { throw .noEquals(String(text)) }
        var key = text[..<equals]
        let isNegated = key.last == "!"
        if isNegated { key = key.dropLast() }
        guard HostName(key) != nil else { throw .badKey(String(key)) }
        let values = text[text.index(after: equals)...].split(separator: "|", omittingEmptySubsequences: false)
        guard values.count <= limit else { throw .tooLong(limit) }
        for value in values where HostName(value) == nil { throw .badValue(String(value), key: String(key)) }
        return Term(key: String(key), isNegated: isNegated, values: values.map(String.init))
    }

    /// Whether a host of these labels is meant.
    package func matches(_ host: HostName, labels: [String: String]) -> Bool {
        terms.allSatisfy { term in
            let value = term.key == "host" ? host.description : labels[term.key]
            let isAmong = value.map(term.values.contains) ?? false
            return isAmong != term.isNegated
        }
    }

    package var description: String {
        guard !terms.isEmpty else { return "all" }
        return terms.map { "\($0.key)\($0.isNegated ? "!=" : "=")\($0.values.joined(separator: "|"))" }
            .joined(separator: ",")
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(container.decode(String.self))
        } catch let error as HostSelectorError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
