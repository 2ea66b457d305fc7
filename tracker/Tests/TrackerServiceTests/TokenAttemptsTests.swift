// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerProtocol
import TrackerService

@Suite struct TokenAttemptsTests {
    private func address(_ number: UInt32) -> IPAddress { IPAddress(ipv4: 0x0a00_0000 + number) }

    @Test func `an address that sends many bad tokens is told to wait until the next minute`() {
        let attempts = TokenAttempts()
        for _ in 0..<TokenAttempts.perMinute { #expect(attempts.count(from: address(1), at: 610) == nil) }
        #expect(attempts.count(from: address(1), at: 615) == 45)
        #expect(attempts.count(from: address(2), at: 615) == nil)
        #expect(attempts.count(from: address(1), at: 660) == nil)
        for _ in 0..<100 { #expect(attempts.count(from: nil, at: 660) == nil) }
    }

    @Test func `an IPv6 network counts as one address`() {
        let attempts = TokenAttempts()
        let network: UInt64 = 0x2001_0db8_0000_0001
        for number in 0..<UInt64(TokenAttempts.perMinute) {
            #expect(attempts.count(from: IPAddress(ipv6: network, number), at: 0) == nil)
        }
        #expect(attempts.count(from: IPAddress(ipv6: network, 99), at: 0) == 60)
        #expect(attempts.count(from: IPAddress(ipv6: network + 1, 99), at: 0) == nil)
    }

    @Test func `what is remembered has its bound`() {
        let attempts = TokenAttempts()
        for number in 0..<UInt32(TokenAttempts.addressLimit) {
            #expect(attempts.count(from: address(number), at: 0) == nil)
        }
        // Those beyond count together, and those that are known by themselves.
        let told = (0..<30).map { attempts.count(from: address(1_000_000 + UInt32($0)), at: 0) }
        #expect(told.prefix(TokenAttempts.perMinute).allSatisfy { $0 == nil } && told.last == .some(60))
        #expect(attempts.count(from: address(5), at: 0) == nil)
    }
}
