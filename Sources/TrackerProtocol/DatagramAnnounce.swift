// SPDX-License-Identifier: Apache-2.0

/// One announce over UDP, from asking for a connection id to the answer, over a network that loses and forges datagrams
/// (BEP 15). Time comes in, datagrams go out.
package struct DatagramAnnounce: Sendable {
    package enum Effect: Equatable, Sendable {
        case send([UInt8])
        case answered(AnnounceResponse)
        /// The tracker refused, or did not answer.
        case failed(String)
    }

    private enum Phase {
        /// Waits for a connection id; exits to announcing, or over.
        case connecting
        /// Waits for the answer under this id, which is good for a minute; exits to over, or back to connecting.
        case announcing(connection: UInt64, since: Duration)
        case over
    }

    /// The wait before a datagram is sent again is this, and twice as long each time.
    package static let firstWait = Duration.seconds(15)
    /// How often a datagram is sent again in all, before the tracker counts as silent.
    package static let maximumRepeats = 2
    private static let connectionLifetime = Duration.seconds(60)

    private let request: AnnounceRequest
    private let key: UInt32
    private let isIPv6: Bool
    private let target: String
    private var phase = Phase.connecting
    private var transaction: UInt32 = 0
    private var repeats = 0
    /// When to send again.
    package private(set) var deadline = Duration.zero

    /// - Parameters:
    ///   - key: a number by which the tracker knows this peer again; the same for all of its announces.
    ///   - isIPv6: whether the tracker is spoken to over IPv6.
    ///   - target: the path and query of the tracker's URL (BEP 41).
    package init(_ request: AnnounceRequest, key: UInt32, isIPv6: Bool, target: String = "/announce") {
        self.request = request
        self.key = key
        self.isIPv6 = isIPv6
        self.target = target
    }

    /// Begins. Transaction ids come from `random`, since guessing one is all that forging an answer takes.
    package mutating func start(at now: Duration, using random: inout some RandomNumberGenerator) -> [Effect] {
        transaction = random.next()
        deadline = now + Self.firstWait
        return [.send(DatagramRequest.connect(transaction: transaction).encoded)]
    }

    /// A datagram came from the tracker's address. What does not answer what was asked is passed over.
    package mutating func received(
        _ bytes: [UInt8], at now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Effect] {
        switch (phase, DatagramResponse(bytes, isIPv6: isIPv6)) {
        case (.connecting, .connect(transaction, let connection)):
            phase = .announcing(connection: connection, since: now)
            transaction = random.next()
            deadline = now + Self.firstWait * (1 << repeats)
            return announce(connection)
        case (.announcing, .announce(transaction, let response)):
            phase = .over
            return [.answered(response)]
        case (.connecting, .error(transaction, let reason)), (.announcing, .error(transaction, let reason)):
            phase = .over
            return [.failed("it refused: \(reason)")]
        default: return []
        }
    }

    /// To be called when ``deadline`` has come.
    package mutating func tick(at now: Duration, using random: inout some RandomNumberGenerator) -> [Effect] {
        if case .over = phase { return [] }
        guard now >= deadline else { return [] }
        guard repeats < Self.maximumRepeats else {
            phase = .over
            return [.failed("no answer in time")]
        }
        repeats += 1
        deadline = now + Self.firstWait * (1 << repeats)
        if case .announcing(let connection, let since) = phase, now - since < Self.connectionLifetime {
            return announce(connection)
        }
        phase = .connecting
        transaction = random.next()
        return [.send(DatagramRequest.connect(transaction: transaction).encoded)]
    }

    private func announce(_ connection: UInt64) -> [Effect] {
        [
            .send(
                DatagramRequest.announce(
                    request, connection: connection, transaction: transaction, key: key, target: target))
        ]
    }
}
