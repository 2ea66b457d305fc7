// SPDX-License-Identifier: Apache-2.0

package import Metainfo
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
    /// The place of each swarm in the table; places of swarms that were forgotten are used again.
    private var places: [InfoHash: Int] = [:]
    private var table: [TrackedSwarm] = []
    private var freePlaces: [Int] = []
    private var wheel = ExpiryWheel()
    private var latest: Duration = .zero

    /// The number of peers in all swarms, those included that left within the last few intervals.
    package private(set) var peerCount = 0
    /// How many of them each address has.
    private var peersByHost: [IPAddress: Int] = [:]
    /// The number of swarms with any such peer.
    package var swarmCount: Int { places.count }

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
    ///   - families: which addresses the answer has room for.
    ///   - now: the time since the registry's start. A time before an earlier one counts as that one.
    package mutating func announce(
        _ request: AnnounceRequest, from observedHost: IPAddress, families: AddressFamilies = .all, now: Duration,
        using source: inout some RandomNumberGenerator
    ) -> AnnounceResponse {
        sweep(now: now)
        var random = SplitMix64(seed: source.next())
        let address = PeerAddress(host: observedHost.unmapped, port: request.port)
        let known = places[request.infoHash]
        let slot = known.flatMap { table[$0].slot(of: address) }
        guard request.event != .stopped else {
            if let known, let slot { table[known].leave(slot) }
            return answer(known, peers: [], using: &random)
        }
        if slot == nil, let refusal = refusal(of: address, in: known) { return refusal }

        let place = known ?? newPlace(for: request.infoHash)
        if slot == nil {
            peerCount += 1
            peersByHost[address.host, default: 0] += 1
        }
        // The swarm is active if this peer makes it so, and what the peer is told must match how long it is remembered.
        let isActive = request.left != 0 || table[place].isActive(without: slot)
        let expires = latest + timing.lifetime(isActive: isActive)
        let update = table[place].update(
            request, at: address, slot: slot, now: latest, expires: expires, handout: handout, using: &random)
        // The entry in the wheel may come late for a peer whose swarm has become active, but never early.
        if ExpiryWheel.second(expires) < table[place].peers[Int(update.slot)].scheduled {
            schedule(address, update.slot, of: request.infoHash, in: place, at: ExpiryWheel.second(expires))
        }
        let peers = handout.peers(
            for: update.slot, of: table[place], isStuck: update.isStuck, families: families,
            count: handout.count(wanted: request.numberWanted), now: latest, using: &random)
        return answer(place, peers: peers, using: &random)
    }

    /// Remembers a known peer for another lifetime without answering it: whom a tracker turns away for want of time is
    /// there all the same.
    /// - Returns: whether the peer is known.
    package mutating func renew(_ request: AnnounceRequest, from observedHost: IPAddress, now: Duration) -> Bool {
        sweep(now: now)
        let address = PeerAddress(host: observedHost.unmapped, port: request.port)
        guard let place = places[request.infoHash], let slot = table[place].slot(of: address) else { return false }
        let isActive = request.left != 0 || table[place].isActive(without: slot)
        return table[place].renew(slot, now: latest, expires: latest + timing.lifetime(isActive: isActive))
    }

    /// Counts the swarms asked for; unknown ones are left out (BEP 48).
    package mutating func scrape(_ request: ScrapeRequest, now: Duration) -> ScrapeResponse {
        sweep(now: now)
        var response = ScrapeResponse()
        for hash in request.infoHashes { response.files[hash] = places[hash].map { counts(at: $0) } }
        return response
    }

    /// Counts the swarms asked for, in their order; unknown ones count nothing (BEP 15).
    package mutating func counts(of hashes: [InfoHash], now: Duration) -> [ScrapeResponse.Counts] {
        sweep(now: now)
        return hashes.map { hash in
            places[hash].map { counts(at: $0) } ?? ScrapeResponse.Counts(complete: 0, downloaded: 0, incomplete: 0)
        }
    }

    /// Forgets peers whose time is up, a bounded number of them. Announces and scrapes do it by themselves.
    package mutating func sweep(now: Duration) {
        latest = max(latest, now)
        for _ in 0..<Self.sweepBudget {
            guard let (entry, second) = wheel.next(now: latest) else { return }
            // An entry whose peer has meanwhile been given an earlier one is stale.
            guard let place = places[entry.swarm], let slot = table[place].slot(of: entry.address),
                table[place].peers[Int(slot)].scheduled == second
            else { continue }
            if let later = table[place].expire(entry.address, now: latest) {
                schedule(entry.address, slot, of: entry.swarm, in: place, at: later)
            } else {
                peerCount -= 1
                let remaining = (peersByHost[entry.address.host] ?? 1) - 1
                peersByHost[entry.address.host] = remaining > 0 ? remaining : nil
                if table[place].placeCount == 0 { forget(entry.swarm, at: place) }
            }
        }
    }

    private func counts(at place: Int) -> ScrapeResponse.Counts {
        ScrapeResponse.Counts(
            complete: table[place].seedCount, downloaded: table[place].downloaded,
            incomplete: table[place].leecherCount)
    }

    private mutating func schedule(
        _ address: PeerAddress, _ slot: Int32, of hash: InfoHash, in place: Int, at second: UInt32
    ) {
        let entry = ExpiryWheel.Entry(swarm: hash, address: address)
        let second = wheel.insert(entry, at: second)
        table[place].setScheduled(second, for: slot)
    }

    private mutating func newPlace(for hash: InfoHash) -> Int {
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
        } else {
            place = table.count
            table.append(TrackedSwarm())
        }
        places[hash] = place
        return place
    }

    private mutating func forget(_ hash: InfoHash, at place: Int) {
        table[place] = TrackedSwarm()
        places[hash] = nil
        freePlaces.append(place)
    }

    private func refusal(of address: PeerAddress, in place: Int?) -> AnnounceResponse? {
        let reason: String? =
            if place == nil, places.count >= limits.swarms {
                "This tracker already knows \(limits.swarms) swarms; try again later or use another tracker."
            } else if peerCount >= limits.peers {
                "This tracker already knows \(limits.peers) peers; try again later or use another tracker."
            } else if let place, table[place].placeCount >= limits.peersPerSwarm {
                "This swarm already has \(limits.peersPerSwarm) peers; try again later."
            } else if let place, !address.isLoopback, table[place].placeCount(of: address.host) >= limits.peersPerHost {
                "This swarm already has \(limits.peersPerHost) peers from \(address.host); stop some of them."
            } else if !address.isLoopback, peersByHost[address.host] ?? 0 >= limits.peersPerHostInAll {
                "This tracker already knows \(limits.peersPerHostInAll) peers from \(address.host); stop some of them."
            } else {
                nil
            }
        return reason.map { .failure($0, retryIn: .minutes(5)) }
    }

    private func answer(_ place: Int?, peers: [PeerAddress], using random: inout SplitMix64) -> AnnounceResponse {
        let (seeds, leechers) = place.map { (table[$0].seedCount, table[$0].leecherCount) } ?? (0, 0)
        let interval = timing.interval(seeds: seeds, leechers: leechers, using: &random)
        return AnnounceResponse(
            interval: interval, minInterval: min(timing.minimumInterval, interval), complete: seeds,
            incomplete: leechers, peers: peers)
    }
}
