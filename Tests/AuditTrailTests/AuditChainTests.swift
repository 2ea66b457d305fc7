// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Testing

@Suite struct AuditChainTests {
    /// A trail of three lines.
    private static func trail() -> [String] {
        var chain = AuditChain()
        return (1...3).map { number in
            chain.append(
                AuditRecord(
                    at: Int64(number), actor: "local", action: "master.activate", subject: "debian@\(number)",
                    before: number == 1 ? nil : "debian@\(number - 1)", after: "debian@\(number)")
            ).line
        }.map { String($0.dropLast()) }
    }

    /// Where a trail breaks, or `nil` when it holds.
    private static func breaks(_ lines: [String]) -> Int? {
        var chain = AuditChain()
        for line in lines {
            do throws(AuditChain.Break) { _ = try chain.follow(line) } catch { return error.line }
        }
        return nil
    }

    @Test func `what is written is read again`() throws {
        var chain = AuditChain()
        for (index, line) in Self.trail().enumerated() {
            let record = try chain.follow(line)
            #expect(record.number == index + 1 && record.subject == "debian@\(index + 1)")
        }
        #expect(chain.count == 3)
    }

    @Test func `a changed, removed, added or moved line is noticed where it is`() {
        let lines = Self.trail()
        #expect(Self.breaks(lines) == nil)
        var changed = lines
        changed[1] = changed[1].replacing("debian@2", with: "debian@9")
        #expect(Self.breaks(changed) == 2)
        #expect(Self.breaks([lines[0], lines[2]]) == 2)
        #expect(Self.breaks([lines[0], lines[0], lines[1], lines[2]]) == 2)
        #expect(Self.breaks([lines[1], lines[0], lines[2]]) == 1)
        #expect(Self.breaks([lines[0], "", lines[1]]) == 2)
    }

    @Test func `a record that was made anew under its own hash breaks the next line`() {
        let lines = Self.trail()
        var forger = AuditChain()
        _ = try? forger.follow(lines[0])
        let forged = forger.append(AuditRecord(at: 2, actor: "local", action: "nothing", subject: "x")).line.dropLast()
        #expect(Self.breaks([lines[0], String(forged), lines[2]]) == 3)
    }

    @Test(arguments: ["x", "ü", "e\u{301}\u{301}\u{301}", "\u{0}", "\"", "\r"])
    func `long texts are cut, so that every line can be read again`(_ character: String) throws {
        var chain = AuditChain()
        let long = String(repeating: character, count: 100_000)
        let (record, line) = chain.append(
            AuditRecord(at: 0, actor: long, action: long, subject: long, before: long, after: long, outcome: long))
        #expect(line.utf8.count < AuditChain.lineLimit)
        var reader = AuditChain()
        #expect(try reader.follow(line.dropLast()) == record)
    }
}
