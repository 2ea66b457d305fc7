// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerProtocol

@Suite struct PeerAddressTests {
    @Test(arguments: [
        ("127.0.0.1:6881", "127.0.0.1:6881"), ("0.0.0.0:0", "0.0.0.0:0"),
        ("255.255.255.255:65535", "255.255.255.255:65535"),
        ("[::1]:6881", "[::1]:6881"), ("[::]:1", "[::]:1"), ("[2001:DB8:0:0:1:0:0:1]:5", "[2001:db8::1:0:0:1]:5"),
        ("[1:0:0:2:0:0:0:3]:5", "[1:0:0:2::3]:5"), ("[1:2:3:4:5:6:7:8]:5", "[1:2:3:4:5:6:7:8]:5"),
        ("[1::]:5", "[1::]:5"), ("[::ffff:1.2.3.4]:5", "[::ffff:102:304]:5"),
        ("[1:0:2:3:4:5:6:7]:5", "[1:0:2:3:4:5:6:7]:5"),
    ])
    func `a literal address is read and written in its canonical form`(text: String, expected: String) throws {
        let address = try #require(PeerAddress(parsing: text))
        #expect(address.description == expected)
        #expect(PeerAddress(parsing: expected) == address)
        #expect(PeerAddress(compact: address.compact) == address)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", ":6881", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:01",
        "127.0.0:1", "127.0.0.1.1:1", "127.0.0.256:1", "127.00.0.1:1", "localhost:1", "::1:6881", "[::1]", "[::1]:",
        "[127.0.0.1]:1", "[]:1", "[:::]:1", "[1::2::3]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1",
        "[1:2:3:4:5:6:7::8]:1", "[::12345]:1", "[::g]:1", "[fe80::1%eth0]:1", "[1.2.3.4::]:1", "[::1.2.3]:1", "[:1]:1",
        "[1:]:1",
        " 127.0.0.1:1",
    ])
    func `anything but a literal address is refused`(text: String) {
        #expect(PeerAddress(parsing: text) == nil)
    }

    @Test func `the compact form is the address and the port in network order`() throws {
        let ipv4 = try #require(PeerAddress(parsing: "1.2.3.4:258"))
        #expect(ipv4.compact == [1, 2, 3, 4, 1, 2])
        let ipv6 = try #require(PeerAddress(parsing: "[102:304::ff]:258"))
        #expect(ipv6.compact == [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 2])
        for count in [0, 1, 2, 5, 7, 17, 19] {
            #expect(PeerAddress(compact: [UInt8](repeating: 1, count: count)) == nil)
        }
    }

    @Test func `loopback, unspecified and mapped addresses are told apart`() throws {
        func host(_ text: String) throws -> IPAddress { try #require(IPAddress(parsing: text)) }
        #expect(try host("127.9.9.9").isLoopback && host("::1").isLoopback)
        #expect(try !host("128.0.0.1").isLoopback && !host("::2").isLoopback && !host("0.0.0.1").isLoopback)
        #expect(try host("0.0.0.0").isUnspecified && host("::").isUnspecified && !host("::1").isUnspecified)
        #expect(try host("::ffff:1.2.3.4").unmapped == host("1.2.3.4"))
        #expect(try host("::fffe:1.2.3.4").unmapped == host("::fffe:1.2.3.4"))
        #expect(try host("::7f00:1") != host("127.0.0.1"))
    }

    @Test func `random addresses survive text and compact form`() throws {
        var random = SeededGenerator(7)
        for _ in 0..<2000 {
            var bytes = random.bytes(Bool.random(using: &random) ? 6 : 18)
            // Runs of zeros are what the text form of IPv6 abbreviates.
            for index in bytes.indices where Int.random(in: 0..<2, using: &random) == 0 { bytes[index] = 0 }
            let address = try #require(PeerAddress(compact: bytes))
            #expect(address.compact == bytes)
            #expect(PeerAddress(parsing: address.description) == address)
        }
    }

    @Test func `a peer id keeps its bytes and a generated one bears the prefix`() throws {
        var random = SeededGenerator(3)
        let bytes = random.bytes(20)
        #expect(try #require(PeerID(bytes)).bytes == bytes)
        #expect(PeerID(bytes.dropLast()) == nil)
        #expect(PeerID(bytes + [0]) == nil)
        let first = PeerID.generated(using: &random)
        let second = PeerID.generated(using: &random)
        #expect(first != second)
        #expect(first.description.hasPrefix("-Dv0100-"))
        #expect(PeerID(first.bytes) == first)
    }
}
