// SPDX-License-Identifier: Apache-2.0

import Diagnosis
import FleetProtocol
import Metainfo
import NIOPosix
import PeerTransport
import Swarm

/// What a host tells its tracker of what goes on, for those who look on.
extension Peer {
    /// - Returns: `nil` when nothing goes on.
    func activity() async -> HostActivity? {
        var activity = HostActivity(
            port: network.listenPort.map(Int.init), down: 0, up: 0, fetches: [], neighbours: [])
        let load = threadLoadOfLate()
        var peers: [String: HostActivity.Neighbour] = [:]
        for name in images {
            guard let swarm = swarms[name], let summary = await swarm.picture() else { continue }
            activity.down += UInt64(max(0, summary.downloadRate))
            activity.up += UInt64(max(0, summary.uploadRate))
            for peer in summary.peers where peer.downloadRate + peer.uploadRate >= 1 {
                let address = "\(peer.address)"
                var neighbour = peers[address] ?? HostActivity.Neighbour(address: address, down: 0, up: 0)
                neighbour.down += UInt64(max(0, peer.downloadRate))
                neighbour.up += UInt64(max(0, peer.uploadRate))
                peers[address] = neighbour
            }
            guard activity.fetches.count < FleetLimits.fetches, let why = await swarm.why(load) else { continue }
            let digits = summary.map.map { String($0, radix: 16) }.joined()
            activity.fetches.append(
                HostActivity.Fetch(
                    master: why.master, bytes: UInt64(max(0, why.bytesVerified)), size: UInt64(max(0, why.size)),
                    rate: UInt64(max(0, why.downloadRate)), rarestCopies: summary.rarestCopies,
                    least: why.eta.map { Int($0.least) }, most: why.eta.map { Int($0.most) },
                    cause: why.diagnosis.cause.rawValue,
                    finding: why.diagnosis.finding.suffixBytes(FleetLimits.textBytes), map: digits))
        }
        activity.neighbours = peers.values.sorted { ($1.down + $1.up, $0.address) < ($0.down + $0.up, $1.address) }
            .prefix(FleetLimits.neighbours).map { $0 }
        let isIdle = activity.down == 0 && activity.up == 0 && activity.fetches.isEmpty
        return isIdle ? nil : activity
    }

    /// What the threads were busy with since this was asked last.
    private func threadLoadOfLate() -> ThreadLoad {
        let (resources, clock) = (network.resources, ContinuousClock())
        let (now, reading) = (clock.now, resources.meter.now)
        defer { lastLoad = (now, reading) }
        return ThreadLoad(
            from: lastLoad?.reading ?? reading, to: reading, in: lastLoad.map { now - $0.at } ?? .seconds(1),
            threads: resources.threads.numberOfThreads, waiting: resources.extents.counts.waiting)
    }
}
