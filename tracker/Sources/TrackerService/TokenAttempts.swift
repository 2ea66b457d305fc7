// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import TrackerProtocol

/// Counts bad tokens by the address that they come from. Who sends many is told to wait; tokens that are good are taken
/// nevertheless, so that nobody can shut out those who share an address.
package final class TokenAttempts: Sendable {
    /// Bad tokens of one address in a minute that are answered as such.
    package static let perMinute = 20
    /// Addresses that are told apart in a minute; those beyond count as one.
    package static let addressLimit = 4096

    private struct Counts {
        var minute: Int64 = 0
        var byAddress: [IPAddress?: Int] = [:]
    }

    private let counts = Mutex(Counts())

    package init() {}

    /// Counts one more.
    /// - Parameter address: `nil` where there is none to tell, which is never too often.
    /// - Returns: the seconds to wait, when there were too many; `nil` otherwise.
    package func count(from address: IPAddress?, at time: Int64) -> Int64? {
        guard let address else { return nil }
        return counts.withLock { counts in
            if counts.minute != time / 60 { counts = Counts(minute: time / 60) }
            // Whoever has one IPv6 address has its whole network.
            let place = address.isIPv6 ? IPAddress(ipv6: address.words.high, 0) : address
            let isKnown = counts.byAddress[place] != nil
            let key = isKnown || counts.byAddress.count < Self.addressLimit ? place : nil
            counts.byAddress[key, default: 0] += 1
            return counts.byAddress[key, default: 0] > Self.perMinute ? 60 - time % 60 : nil
        }
    }
}
