// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import TrackerProtocol

/// Who has what: every swarm the tracker knows and the peers in it.
///
/// A value without I/O: time comes in as the duration since some fixed start, randomness as a generator. Any info-hash
/// may be announced. A peer is an address with a port, the address being the one the announce came from and never one
/// the client names. The registry forgets everything when the process ends; peers announce again within an interval.
package struct SwarmRegistry: Sendable {
    private let limits: TrackerLimits
    private let timing: AnnounceTiming
    private let handout: PeerHandout
    private var swarms: [InfoHash: TrackedSwarm] = [:]
    private var wheel = ExpiryWheel()
    private var latest: Duration = .zero

    /// The number of peers in all swarms, those included that left within the last few intervals.
    package private(set) var peerCount = 0
    /// The number of swarms with any such peer.
    package var swarmCount: Int { swarms.count }

    /// The number of peers looked at for expiry in one call: two would keep up, more catch up after a silence.
    private static let sweepBudget = 64

    package init(
        limits: TrackerLimits = TrackerLimits(), timing: AnnounceTiming = AnnounceTiming(),
        handout: PeerHandout = PeerHandout()
    ) {
        self.limits = limits
        self.timing = timing
        self.handout = handout
    }

    /// Takes an announce and answers it. The answer is a refusal when a limit is reached and the peer is new.
    /// - Parameters:
    ///   - observedHost: the address the announce came from; an IPv4-mapped one counts as IPv4.
    ///   - now: the time since the registry's start. A time before an earlier one counts as that one.
    package mutating func announce(
        _ request: AnnounceRequest, from observedHost: IPAddress, now: Duration,
        using random: inout some RandomNumberGenerator
    ) -> AnnounceResponse {
        sweep(now: now)
        let address = PeerAddress(host: observedHost.unmapped, port: request.port)
        guard request.event != .stopped else {
            swarms[request.infoHash]?.leave(address)
            return answer(request.infoHash, peers: [], using: &random)
        }
        if let refusal = refusal(of: address, in: request.infoHash) { return refusal }

        let isSeed = request.left == 0
        // The swarm is active if this peer makes it so, and what the peer is told must match how long it is remembered.
        let isActive = !isSeed || isActive(request.infoHash, without: address)
        let peer = TrackedPeer(
            address: address, peerID: request.peerID, expires: latest + timing.lifetime(isActive: isActive))
        record(peer, isSeed: isSeed, completed: request.event == .completed, in: request.infoHash)

        guard let swarm = swarms[request.infoHash] else { return answer(request.infoHash, peers: [], using: &random) }
        let peers = handout.sample(
            for: peer, isSeed: isSeed, seeds: swarm.seeds, leechers: swarm.leechers,
            count: handout.count(wanted: request.numberWanted), now: latest, using: &random)
        return answer(request.infoHash, peers: peers, using: &random)
    }

    /// Counts the swarms asked for; unknown ones are left out (BEP 48).
    package mutating func scrape(_ request: ScrapeRequest, now: Duration) -> ScrapeResponse {
        sweep(now: now)
        var response = ScrapeResponse()
        for hash in request.infoHashes {
            guard let swarm = swarms[hash] else { continue }
            response.files[hash] = ScrapeResponse.Counts(
                complete: swarm.seeds.count, downloaded: swarm.downloaded, incomplete: swarm.leechers.count)
        }
        return response
    }

    /// Forgets peers whose time is up, a bounded number of them. Announces and scrapes do it by themselves.
    package mutating func sweep(now: Duration) {
        latest = max(latest, now)
        for _ in 0..<Self.sweepBudget {
            guard let (entry, second) = wheel.next(now: latest) else { return }
            // An entry whose peer has meanwhile been given an earlier one is stale.
            guard swarms[entry.swarm]?.scheduled(entry.address) == second else { continue }
            if let later = swarms[entry.swarm]?.expire(entry.address, now: latest) {
                schedule(entry.address, in: entry.swarm, at: later)
            } else {
                peerCount -= 1
                if swarms[entry.swarm]?.placeCount == 0 { swarms[entry.swarm] = nil }
            }
        }
    }

    private mutating func record(_ peer: TrackedPeer, isSeed: Bool, completed: Bool, in hash: InfoHash) {
        let isNew = swarms[hash]?.contains(peer.address) != true
        let turnedSeed = swarms[hash, default: TrackedSwarm()].update(peer, isSeed: isSeed)
        // A seed that repeats its `completed` is not a second download.
        if completed, turnedSeed || isNew { swarms[hash]?.countDownload() }
        if isNew { peerCount += 1 }
        // The entry in the wheel may come late for a peer whose swarm has become active, but never early.
        if let scheduled = swarms[hash]?.scheduled(peer.address), ExpiryWheel.second(peer.expires) < scheduled {
            schedule(peer.address, in: hash, at: peer.expires)
        }
    }

    private mutating func schedule(_ address: PeerAddress, in hash: InfoHash, at time: Duration) {
        let entry = ExpiryWheel.Entry(swarm: hash, address: address)
        let second = wheel.insert(entry, at: ExpiryWheel.second(time))
        swarms[hash]?.setScheduled(second, for: address)
    }

    private func isActive(_ hash: InfoHash, without address: PeerAddress) -> Bool {
        guard let swarm = swarms[hash] else { return false }
        return swarm.leechers.count > 1 || (swarm.leechers.first.map { $0.address != address } ?? false)
    }

    private func refusal(of address: PeerAddress, in hash: InfoHash) -> AnnounceResponse? {
        let swarm = swarms[hash]
        if swarm?.contains(address) == true { return nil }
        let reason: String? =
            if swarm == nil, swarms.count >= limits.swarms {
                "This tracker already knows \(limits.swarms) swarms; try again later or use another tracker."
            } else if peerCount >= limits.peers {
                "This tracker already knows \(limits.peers) peers; try again later or use another tracker."
            } else if let swarm, swarm.placeCount >= limits.peersPerSwarm {
                "This swarm already has \(limits.peersPerSwarm) peers; try again later."
            } else if let swarm, !address.isLoopback, swarm.placeCount(of: address.host) >= limits.peersPerHost {
                "This swarm already has \(limits.peersPerHost) peers from \(address.host); stop some of them."
            } else {
                nil
            }
        return reason.map { .failure($0, retryIn: .minutes(5)) }
    }

    private func answer(
        _ hash: InfoHash, peers: [PeerAddress], using random: inout some RandomNumberGenerator
    ) -> AnnounceResponse {
        let swarm = swarms[hash]
        let (seeds, leechers) = (swarm?.seeds.count ?? 0, swarm?.leechers.count ?? 0)
        let interval = timing.interval(seeds: seeds, leechers: leechers, using: &random)
        return AnnounceResponse(
            interval: interval, minInterval: min(timing.minimumInterval, interval), complete: seeds,
            incomplete: leechers, peers: peers)
    }
}
