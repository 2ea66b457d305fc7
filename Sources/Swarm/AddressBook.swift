// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// The addresses at which peers of one image may be found, and what became of dialling them.
struct AddressBook: Sendable {
    private enum State: Sendable {
        case idle(notBefore: Duration)
        case dialling
        case connected
        case banned
    }

    private let limits: SwarmLimits
    private var states: [PeerAddress: State] = [:]
    /// Addresses in the order in which they were learned.
    private var order: [PeerAddress] = []
    /// How often in a row dialling an address failed.
    private var failures: [PeerAddress: Int] = [:]
    private var bannedHosts: Set<IPAddress> = []
    private var dialling = 0

    init(limits: SwarmLimits) { self.limits = limits }

    /// Remembers an address; one that is known keeps its state. Beyond the bound it takes the place of one that could not
    /// be reached several times in a row, or is forgotten at once.
    mutating func insert(_ address: PeerAddress) {
        guard states[address] == nil else { return }
        if order.count >= limits.knownAddresses {
            guard let place = order.firstIndex(where: { isHopeless($0) }) else { return }
            let hopeless = order.remove(at: place)
            states[hopeless] = nil
            failures[hopeless] = nil
        }
        states[address] = .idle(notBefore: .zero)
        order.append(address)
    }

    private func isHopeless(_ address: PeerAddress) -> Bool {
        guard case .idle = states[address] else { return false }
        return failures[address, default: 0] >= 3
    }

    /// The address is neither dialled nor let in again.
    mutating func ban(_ address: PeerAddress) {
        endDial(address)
        states[address] = .banned
    }

    /// Nothing from this host is let in again. On loopback, where every peer has the same host, only addresses count.
    mutating func banHost(of address: PeerAddress) {
        guard !address.isLoopback, bannedHosts.count < limits.knownAddresses else { return }
        bannedHosts.insert(address.host.unmapped)
    }

    func isBanned(_ address: PeerAddress) -> Bool {
        if case .banned = states[address] { return true }
        return bannedHosts.contains(address.host.unmapped)
    }

    mutating func connected(_ address: PeerAddress, initiatedHere: Bool) {
        guard initiatedHere else { return }
        endDial(address)
        states[address] = .connected
    }

    /// A connection that came in leads to this address, so that dialling it would only make a second one.
    mutating func isConnected(_ address: PeerAddress) {
        if case .idle = states[address] { states[address] = .connected }
    }

    /// The last connection to the address ended.
    /// - Parameter wasUseful: whether it was worth having; if not, this counts as a failed attempt, so that a peer that
    ///   ends every connection at once is not dialled every few seconds.
    mutating func disconnected(_ address: PeerAddress, wasUseful: Bool, now: Duration) {
        guard case .connected = states[address] else { return }
        guard wasUseful else { return failed(address, now: now) }
        failures[address] = nil
        states[address] = .idle(notBefore: now + .seconds(2))
    }

    mutating func failed(_ address: PeerAddress, now: Duration) {
        endDial(address)
        guard states[address] != nil, !isBanned(address) else { return }
        let failures = min(failures[address, default: 0] + 1, 6)
        self.failures[address] = failures
        states[address] = .idle(notBefore: now + .seconds(1 << failures))
    }

    /// The addresses to dial now, marked as being dialled.
    mutating func candidates(connections: Int, now: Duration) -> [PeerAddress] {
        let sought = min(limits.connectionsSought, limits.connections)
        var room = min(limits.dials - dialling, sought - connections - dialling)
        var chosen: [PeerAddress] = []
        for address in order where room > 0 {
            guard case .idle(let notBefore) = states[address], notBefore <= now, !isBanned(address) else { continue }
            states[address] = .dialling
            dialling += 1
            room -= 1
            chosen.append(address)
        }
        return chosen
    }

    private mutating func endDial(_ address: PeerAddress) {
        if case .dialling = states[address] { dialling -= 1 }
    }
}
