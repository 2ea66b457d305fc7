// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// The connection ids of announces over UDP (BEP 15). One proves that its bearer receives what is sent to its address; nothing
/// is remembered for it.
///
/// An id is a keyed hash of the address. The key changes every two minutes and counts for two more, so that an id works for
/// two to four minutes.
package struct ConnectionIDs: Sendable {
    /// How long ids are issued under one key.
    package static let keyLifetime = Duration.seconds(120)

    private struct Key: Sendable {
        let first: UInt64
        let second: UInt64

        init(using random: inout some RandomNumberGenerator) {
            first = random.next()
            second = random.next()
        }

        func id(for host: IPAddress) -> UInt64 {
            var hash = SipHash(key: (first, second))
            let words = host.words
            hash.append(words.high)
            hash.append(words.low)
            return hash.finish(host.isIPv6 ? 17 << 56 | 6 : 17 << 56 | 4)
        }
    }

    private var current: Key
    private var previous: Key
    private var rotation: Duration

    /// - Parameter random: secure: whoever guesses a key forges ids.
    package init(at now: Duration, using random: inout some RandomNumberGenerator) {
        current = Key(using: &random)
        previous = Key(using: &random)
        rotation = now + Self.keyLifetime
    }

    /// Changes the key when it is time. To be called before ids are issued and judged.
    package mutating func tick(at now: Duration, using random: inout some RandomNumberGenerator) {
        guard now >= rotation else { return }
        // After a long silence nobody holds an id of the current key either.
        let isLate = now >= rotation + Self.keyLifetime
        previous = isLate ? Key(using: &random) : current
        current = Key(using: &random)
        // Counted from when it was due: a key that is changed late is not to live longer for it.
        rotation = (isLate ? now : rotation) + Self.keyLifetime
    }

    /// The id of whoever receives at this address.
    package func issue(for host: IPAddress) -> UInt64 { current.id(for: host) }

    /// Whether the id was issued to this address within the last minutes.
    package func accepts(_ id: UInt64, from host: IPAddress) -> Bool {
        id == current.id(for: host) || id == previous.id(for: host)
    }
}
