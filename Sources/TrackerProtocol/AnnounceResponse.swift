// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// When a refused announce is worth another try (BEP 31).
package enum AnnounceRetry: Equatable, Sendable {
    /// After this many minutes; 1 or more.
    case minutes(Int)
    /// Not at all: the refusal will not change.
    case never
}

/// What a tracker answers to an announce (BEP 3, 7, 23, 31): peers, or a reason why not.
package struct AnnounceResponse: Equatable, Sendable {
    /// The largest number of peers read from one answer.
    package static let maximumPeerCount = 2000
    /// The interval assumed where an answer names none, in seconds.
    package static let defaultInterval = 1800

    /// Seconds until the next regular announce; 0 to one week.
    package var interval: Int
    /// Seconds that must pass between announces, or `nil` where the tracker does not say.
    package var minInterval: Int?
    /// The number of seeds in the swarm, or `nil` where the tracker does not say.
    package var complete: Int?
    /// The number of peers in the swarm that are not seeds, or `nil` where the tracker does not say.
    package var incomplete: Int?
    /// Peers to connect to. None has port 0.
    package var peers: [PeerAddress]
    /// Why the announce was refused. When present, the other values but ``retryIn`` mean nothing.
    package var failureReason: String?
    /// Something a person should know although the announce was taken.
    package var warning: String?
    /// When to try again after a refusal.
    package var retryIn: AnnounceRetry?

    package init(
        interval: Int, minInterval: Int? = nil, complete: Int? = nil, incomplete: Int? = nil,
        peers: [PeerAddress] = [], failureReason: String? = nil, warning: String? = nil, retryIn: AnnounceRetry? = nil
    ) {
        self.interval = interval
        self.minInterval = minInterval
        self.complete = complete
        self.incomplete = incomplete
        self.peers = peers
        self.failureReason = failureReason
        self.warning = warning
        self.retryIn = retryIn
    }

    /// A refusal.
    package static func failure(_ reason: String, retryIn: AnnounceRetry? = nil) -> AnnounceResponse {
        AnnounceResponse(interval: defaultInterval, failureReason: reason, retryIn: retryIn)
    }

    /// The answer in canonical bencoding.
    ///
    /// An answer that is not a refusal always has `peers`, because clients tell an empty swarm from a broken tracker by
    /// it. In the compact form IPv6 peers stand in `peers6`; in the dictionary form (BEP 3) all stand in one list,
    /// without their ids.
    package func encoded(compact: Bool = true) -> [UInt8] {
        if let failureReason {
            let retry: Bencode? =
                switch retryIn {
                case .minutes(let minutes): .integer(Int64(minutes))
                case .never: .text("never")
                case nil: nil
                }
            return Bencode.dictionary(["failure reason": .text(failureReason), "retry in": retry]).encoded
        }
        let families = compact ? compactPeers : (peers: dictionaryPeers, peers6: nil)
        return Bencode.dictionary([
            "complete": complete.map { .integer(Int64($0)) },
            "incomplete": incomplete.map { .integer(Int64($0)) },
            "interval": .integer(Int64(interval)),
            "min interval": minInterval.map { .integer(Int64($0)) },
            "peers": families.peers,
            "peers6": families.peers6,
            "warning message": warning.map { .text($0) },
        ]).encoded
    }

    private var compactPeers: (peers: Bencode, peers6: Bencode?) {
        var ipv4: [UInt8] = []
        var ipv6: [UInt8] = []
        ipv4.reserveCapacity(peers.count * 6)
        for peer in peers {
            if peer.isIPv6 { peer.appendCompact(to: &ipv6) } else { peer.appendCompact(to: &ipv4) }
        }
        return (.string(ipv4), ipv6.isEmpty ? nil : .string(ipv6))
    }

    private var dictionaryPeers: Bencode {
        .list(peers.map { .dictionary(["ip": .text("\($0.host)"), "port": .integer(Int64($0.port))]) })
    }
}
