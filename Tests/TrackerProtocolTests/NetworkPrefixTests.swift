// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerProtocol

@Suite struct NetworkPrefixTests {
    private func contains(_ prefix: String, _ address: String) throws -> Bool {
        try #require(NetworkPrefix(parsing: prefix)).contains(try #require(IPAddress(parsing: address)))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false), ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("::/0", "10.0.0.1", false),
        ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.128", true),
    ])
    func `a prefix holds the addresses that begin with its bits`(
        _ prefix: String, _ address: String, _ isInside: Bool
    ) throws {
        #expect(try contains(prefix, address) == isInside)
    }

    @Test(arguments: ["", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8", "a/8", "10.0.0.0/8/8", "10.0.0.0/-1"])
    func `what is not a prefix is refused`(_ text: String) { #expect(NetworkPrefix(parsing: text) == nil) }

    @Test func `a prefix is written with its bits and nothing behind them`() {
        #expect(NetworkPrefix(parsing: "10.1.2.3/8").map { "\($0)" } == "10.0.0.0/8")
        #expect(NetworkPrefix(parsing: "fd12:3456::1/7").map { "\($0)" } == "fc00::/7")
    }

    @Test func `what is local is private, loopback or on a link`() throws {
        #expect(NetworkPrefix.local.count == 8)
        for address in [
            "127.0.0.1", "10.2.3.4", "172.20.0.1", "192.168.7.7", "169.254.1.1", "::1", "fd00::5", "fe80::9",
        ] {
            let address = try #require(IPAddress(parsing: address))
            #expect(NetworkPrefix.local.contains { $0.contains(address) }, "\(address)")
        }
        for address in ["8.8.8.8", "172.15.0.1", "192.169.0.1", "2001:db8::1", "::", "0.0.0.0", "::ffff:8.8.8.8"] {
            let address = try #require(IPAddress(parsing: address))
            #expect(!NetworkPrefix.local.contains { $0.contains(address) }, "\(address)")
        }
    }
}
