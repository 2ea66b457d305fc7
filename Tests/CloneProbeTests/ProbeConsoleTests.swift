// SPDX-License-Identifier: Apache-2.0

import CloneProbe
import Testing

/// What is made of what a guest says.
@Suite struct ProbeConsoleTests {
    @Test(arguments: 1...9)
    func `a marker is found wherever what is said is cut`(_ length: Int) {
        let said = Array("some aab aabaac: the guest is up\r\n".utf8)
        for (marker, isThere) in [("aabaac", true), ("up", true), ("the guest is up.", false), ("aabaad", false)] {
            var console = ProbeConsole(marker: marker)
            var rest = said[...]
            while !rest.isEmpty {
                console.hear(rest.prefix(length))
                rest = rest.dropFirst(length)
            }
            #expect(console.hasMarker == isThere, "\(marker) in pieces of \(length)")
        }
    }

    @Test func `the last of it is kept, however much a guest says`() {
        var console = ProbeConsole(marker: "needle")
        for number in 0..<100_000 { console.hear(Array("line \(number)\n".utf8)[...]) }
        #expect(console.text.utf8.count == ProbeConsole.keptBytes)
        #expect(console.text.hasSuffix("line 99998\nline 99999\n"))
        console.hear([UInt8](repeating: 0x78, count: 1 << 20)[...])
        #expect(console.text == String(repeating: "x", count: ProbeConsole.keptBytes))
        #expect(!console.hasMarker)
    }

    @Test func `what a terminal would act on is left out`() {
        var console = ProbeConsole()
        #expect(console.isEmpty)
        console.hear(
            Array("\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[1;31mred\u{1b}[0m\tfine\r\n\u{0}\u{9b}2Jü\u{202e}x\n".utf8)[...])
        console.hear([0xff, 0xfe, 0x0a][...])
        #expect(console.text == "0;titlered\tfine\n2Jüx\n\u{fffd}\u{fffd}\n")
    }
}
