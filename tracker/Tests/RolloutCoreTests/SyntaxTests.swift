// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

@Suite struct SyntaxTests {
    @Test(arguments: ["all", "rack=r1", "rack=r1|r2,role!=database", "host=h001", "hypervisor=kvm,rack!=r1|r2|r3"])
    func `a selector is written as it was read`(text: String) throws {
        #expect(try HostSelector(text).description == text)
    }

    @Test func `a selector means the hosts whose labels fit all of it`() throws {
        let host = RolloutScript.host(3)
        func matches(_ text: String) throws -> Bool {
            try HostSelector(text).matches(host.name, labels: host.labels)
        }
        #expect(try matches("all") && matches("rack=r1") && matches("rack=r0|r1") && matches("host=h003"))
        #expect(try matches("rack!=r0") && matches("hypervisor!=xen") && matches("rack=r1,role=compute"))
        #expect(try !matches("rack=r0") && !matches("rack!=r1") && !matches("hypervisor=kvm"))
        #expect(try !matches("rack=r1,role=storage"))
    }

    @Test(arguments: [
        ("", HostSelectorError.empty), ("rack", .noEquals("rack")), ("rack=r1,", .noEquals("")),
        ("=r1", .badKey("")), ("Rack=r1", .badKey("Rack")), ("rack=", .badValue("", key: "rack")),
        ("rack=r1|", .badValue("", key: "rack")), ("rack=a b", .badValue("a b", key: "rack")),
        ("rack=../x", .badValue("../x", key: "rack")),
    ])
    func `a selector that is none says why`(text: String, error: HostSelectorError) {
        #expect(throws: error) { try HostSelector(text) }
        #expect(error.description.hasSuffix("."))
    }

    @Test func `long selectors are refused`() {
        #expect(throws: HostSelectorError.tooLong(64)) {
            try HostSelector(String(repeating: "a=b,", count: 64) + "a=b")
        }
        #expect(throws: HostSelectorError.tooLong(64)) {
            try HostSelector("a=" + String(repeating: "b|", count: 64) + "b")
        }
    }

    @Test(arguments: ["5%,25%,100%", "100%", "10", "10,50,200x", "1x"])
    func `waves are written as they were read`(text: String) throws {
        #expect(try WaveSpec(text).description == text)
    }

    @Test(arguments: [
        "", "0", "-1", "5%,10%", "25%,5%,100%", "5%,5%,100%", "5%,10", "x", "10x,5", "1.5", "٣",
        "99999999999999999999",
    ])
    func `waves that are none are refused`(text: String) {
        #expect(throws: WaveSpecError.self) { try WaveSpec(text) }
    }

    @Test(arguments: ["", "-a", ".a", "A", "a/b", "a b", "ä", "a\0", String(repeating: "a", count: 254)])
    func `names that are none are refused`(text: String) { #expect(HostName(text) == nil) }

    @Test func `masters have a line and a version above 0`() {
        #expect(MasterReference(line: "debian", version: 0, infoHash: "") == nil)
        #expect(MasterReference(line: "../debian", version: 1, infoHash: "") == nil)
        #expect(MasterReference(line: "debian", version: 1, infoHash: String(repeating: "a", count: 129)) == nil)
        #expect(MasterReference(line: "debian", version: 1, infoHash: "aa")?.description == "debian@1")
    }

    @Test func `times stay within their range`() {
        let end = Instant(milliseconds: .max)
        #expect(end + .days(1) == end)
        #expect(Instant(milliseconds: 5).since(end) == .zero)
        #expect(Span.days(.max).milliseconds == .max)
        #expect(
            "\(Span.seconds(90)) \(Span.minutes(10)) \(Span.hours(72)) \(Span(milliseconds: 5))"
                == "90 s 10 min 72 h 5 ms")
    }

    @Test func `codes that are not known are said to be`() {
        #expect(FailureCode(reported: "no-space") == .noSpace)
        #expect(FailureCode(reported: "flux-capacitor") == .unrecognised)
        #expect(Set(FailureCode.allCases.map(\.rawValue)).count == FailureCode.allCases.count)
    }
}
