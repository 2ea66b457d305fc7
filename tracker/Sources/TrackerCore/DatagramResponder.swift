// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// What the tracker answers to one datagram (BEP 15).
///
/// Nobody gets more bytes than were sent from an address until it has proved that it receives there, so that the tracker is
/// no amplifier; and nothing but the head is read before.
package struct DatagramResponder: Sendable {
    private var ids: ConnectionIDs
    /// Announces that were answered, and those that were turned away for want of time.
    package private(set) var announceCount: UInt64 = 0
    package private(set) var shedCount: UInt64 = 0

    /// Shorter than the shortest request that needs a connection id, whose answer it is.
    private static let expired = "Connection id has expired."
    private static let unreadable = "This is no announce and no scrape that can be read; see BEP 15."

    /// - Parameter random: secure: connection ids are made of it.
    package init(at now: Duration, using random: inout some RandomNumberGenerator) {
        ids = ConnectionIDs(at: now, using: &random)
    }

    /// Changes keys when it is time; to be called before a batch of datagrams.
    package mutating func tick(at now: Duration, using random: inout some RandomNumberGenerator) {
        ids.tick(at: now, using: &random)
    }

    /// Answers a datagram.
    /// - Parameters:
    ///   - host: the address the datagram came from, which is not IPv4-mapped.
    ///   - rack: in which rack a peer stands; `nil` to believe what it says.
    ///   - isBusy: whether regular announces of known peers go unanswered; their senders repeat them after a while.
    ///   - answer: where the answer is written.
    /// - Returns: how many bytes the answer has; 0 when there is none.
    package mutating func answer(
        _ datagram: RawSpan, from host: IPAddress, registry: inout SwarmRegistry,
        rack: ((AnnounceRequest, IPAddress) -> RackName?)?, isBusy: Bool, now: Duration,
        using random: inout some RandomNumberGenerator, to answer: inout MutableRawSpan
    ) -> Int {
        guard let head = DatagramRequest.Head(datagram) else { return 0 }
        if head.action == .connect {
            let response = DatagramResponse.connect(transaction: head.transaction, connection: ids.issue(for: host))
            return response.write(to: &answer, isIPv6: host.isIPv6)
        }
        guard ids.accepts(head.connection, from: host) else {
            let response = DatagramResponse.error(transaction: head.transaction, Self.expired)
            let count = response.write(to: &answer, isIPv6: host.isIPv6)
            return count <= datagram.byteCount ? count : 0
        }
        let response: DatagramResponse
        switch DatagramRequest(datagram) {
        case .announce(var request, _, let transaction, _):
            if isBusy, LoadShedding.isRegular(request.event), registry.renew(request, from: host, now: now) {
                shedCount &+= 1
                return 0
            }
            announceCount &+= 1
            if let rack { request.rack = rack(request, host) }
            let capacity = DatagramResponse.peerCapacity(isIPv6: host.isIPv6)
            request.numberWanted = request.numberWanted.map { min($0, capacity) }
            let announced = registry.announce(
                request, from: host, families: host.isIPv6 ? .ipv6 : .ipv4, now: now, using: &random)
            if let reason = announced.failureReason {
                response = .error(transaction: transaction, reason)
            } else {
                response = .announce(transaction: transaction, announced)
            }
        case .scrape(let hashes, _, let transaction):
            response = .scrape(transaction: transaction, registry.counts(of: hashes, now: now))
        case .connect, nil:
            response = .error(transaction: head.transaction, Self.unreadable)
        }
        return response.write(to: &answer, isIPv6: host.isIPv6)
    }
}
