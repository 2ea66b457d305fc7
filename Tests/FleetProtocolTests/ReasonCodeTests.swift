// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import Testing

/// The one list of reason codes, held against what is written elsewhere.
@Suite struct ReasonCodeTests {
    private func lines(_ path: String) throws -> [String] {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Data(contentsOf: URL(filePath: "\(root)/\(path)"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `each code is documented with its meaning, once, and nothing else is`() throws {
        let rows = try lines("docs/operating/reason-codes.md").filter { $0.hasPrefix("| `") }
        let list = try ReasonCode.known.map { "| `\($0)` | \(try #require($0.explanation)) |" }
        #expect(rows == list)
        #expect(Set(ReasonCode.known).count == ReasonCode.known.count)
    }

    @Test func `each code that the programs use is in the list, and can be read`() throws {
        let declared = try lines("Sources/FleetProtocol/ReasonCode.swift").compactMap { line -> String? in
            let parts = line.split(separator: "Self(rawValue: \"")
            guard parts.count == 2 else { return nil }
            return parts[1].split(separator: "\"").first.map(String.init)
        }
        #expect(declared.count > 90)
        #expect(declared == ReasonCode.known.map(\.rawValue))
        for code in ReasonCode.known {
            #expect(try JSONDecoder().decode(ReasonCode.self, from: JSONEncoder().encode(code)) == code)
        }
    }
}
