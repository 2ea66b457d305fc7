// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerCore
import TrackerProtocol

/// Plays announces to a registry at times of the test's choosing.
struct SwarmScript {
    var registry: SwarmRegistry
    var random = SeededGenerator(1)
    /// Seconds since the registry's start.
    var now: Double = 0
    /// Which addresses answers have room for.
    var families = AddressFamilies.all
    /// What each peer has got beside what it says.
    var progress: [String: Int64] = [:]

    init(limits: TrackerLimits = TrackerLimits(), timing: AnnounceTiming = AnnounceTiming()) {
        registry = SwarmRegistry(limits: limits, timing: timing)
    }

    static func hash(_ number: Int = 0) throws -> InfoHash {
        try #require(InfoHash((0..<20).map { UInt8(truncatingIfNeeded: number >> (8 * min($0, 7))) }))
    }

    /// A peer's id, which follows from its address unless it is named.
    static func id(_ text: String) throws -> PeerID {
        try #require(PeerID(text.utf8.prefix(20) + [UInt8](repeating: 0, count: max(0, 20 - text.utf8.count))))
    }

    mutating func announce(
        _ address: String, left: Int64, event: AnnounceEvent? = nil, swarm: Int = 0, wanted: Int? = nil,
        id: String? = nil, rack: String? = nil
    ) throws -> AnnounceResponse {
        let peer = try #require(PeerAddress(parsing: address))
        let request = AnnounceRequest(
            infoHash: try Self.hash(swarm), peerID: try Self.id(id ?? address), port: peer.port,
            left: left > 0 ? max(1, left - progress[address, default: 0]) : 0,
            event: event, numberWanted: wanted, rack: rack.flatMap { RackName($0) })
        return registry.announce(request, from: peer.host, families: families, now: .seconds(now), using: &random)
    }

    mutating func counts(swarm: Int = 0) throws -> ScrapeResponse.Counts? {
        let hash = try Self.hash(swarm)
        return registry.scrape(ScrapeRequest(infoHashes: [hash]), now: .seconds(now)).files[hash]
    }
}

extension AnnounceResponse {
    /// The peers as text, sorted.
    var addresses: [String] { peers.map(\.description).sorted() }
}
