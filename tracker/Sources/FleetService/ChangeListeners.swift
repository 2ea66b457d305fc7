// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// Hosts that wait for their orders to change. Only those are woken whose orders may have: else each of twenty thousand
/// reports would wake twenty thousand hosts.
struct ChangeListeners {
    typealias Signal = AsyncStream<Void>.Continuation

    private var waiting: [HostName: (number: UInt64, signal: Signal)] = [:]
    private var latest: UInt64 = 0
    /// Whom the changes since the last call of ``tell()`` concern; `nil` for everybody.
    private var concerned: Set<HostName>? = []

    /// A host has one listener; the one before is at its end, so that no host takes up the places of others.
    /// - Returns: the number by which the listener is removed.
    mutating func add(_ signal: Signal, for host: HostName) -> UInt64 {
        latest += 1
        waiting.updateValue((latest, signal), forKey: host)?.signal.finish()
        return latest
    }

    mutating func remove(_ number: UInt64, of host: HostName) {
        if waiting[host]?.number == number { waiting[host] = nil }
    }

    /// Takes in what has changed.
    mutating func note(_ events: [RolloutEvent]) {
        for event in events {
            guard let hosts = event.transition.hosts else { return concerned = nil }
            concerned?.formUnion(hosts)
        }
    }

    /// Takes in that something about a host has changed beside all rollouts.
    mutating func note(_ host: HostName) { concerned?.insert(host) }

    /// Wakes those whom the changes concern.
    mutating func tell() {
        if let concerned {
            for host in concerned { waiting[host]?.signal.yield() }
        } else {
            for listener in waiting.values { listener.signal.yield() }
        }
        concerned = []
    }
}

extension Transition {
    /// The hosts whose orders it may change; `nil` when they may be any.
    fileprivate var hosts: [HostName]? {
        switch self {
        case .hosts(let names, _, _), .moved(let names, _), .recounted(let names), .extended(let names, _): names
        case .progressed(let host, _, _), .found(let host, _): [host]
        case .joined(let host): [host.name]
        case .noted: []
        default: nil
        }
    }
}
