// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import Diagnosis
import ImageStore
import Metainfo
import PeerTransport
import Swarm
import TrackerProtocol

/// What an image's swarm says of itself.
extension ImageSwarm {
    /// The image as `status` shows it.
    func entry() async -> StatusReport.Entry {
        let summary = await driver?.summary()
        let swarm = summary?.swarm
        let verified = bytes(pieces: swarm?.verifiedPieces ?? 0)
        let label = (try? host.store.master(named: name))?.label
        let rates = (down: swarm?.downloadRate ?? 0, up: swarm?.uploadRate ?? 0)
        var entry = StatusReport.Entry(
            name: name.name, version: name.version, label: label, state: state, failure: failure,
            size: metainfo.geometry.size, bytesVerified: verified, downloadRate: Int64(rates.down),
            uploadRate: Int64(rates.up), peers: swarm?.peers.count ?? 0,
            clones: host.clones.clones(of: name).map(\.name.text),
            sources: (summary?.sources ?? [:]).sorted { $0.value > $1.value }.map {
                StatusReport.Entry.Source(peer: "\($0.key)", bytes: $0.value)
            }, fetchSeconds: fetchSeconds, cloneMilliseconds: cloneMilliseconds)
        entry.eta = isFetching ? TimeRange(remaining: metainfo.geometry.size - verified, rate: rates.down) : nil
        entry.rarestCopies = isFetching ? swarm?.rarestCopies : nil
        return entry
    }

    /// The swarm as it stands; `nil` when it is in none.
    func picture() async -> SwarmSummary? { await driver?.summary().swarm }

    /// Whom it swaps pieces with; `nil` when it is in no swarm.
    func swarmReport() async -> SwarmsReport.Swarm? {
        guard let swarm = await driver?.summary().swarm else { return nil }
        let pieceCount = Double(max(1, metainfo.geometry.pieceCount))
        return SwarmsReport.Swarm(
            master: "\(name)", size: metainfo.geometry.size, bytesVerified: bytes(pieces: swarm.verifiedPieces),
            downloadRate: Int64(swarm.downloadRate), uploadRate: Int64(swarm.uploadRate),
            rarestCopies: swarm.rarestCopies,
            peers: swarm.peers.map { peer in
                SwarmsReport.Peer(
                    address: "\(peer.address)", rack: peer.rack?.text, part: Double(peer.pieceCount) / pieceCount,
                    received: peer.received, sent: peer.sent, downloadRate: Int64(peer.downloadRate),
                    uploadRate: Int64(peer.uploadRate), serves: peer.serves, isServed: peer.isServed)
            }.sorted { ($1.downloadRate + $1.uploadRate, $0.address) < ($0.downloadRate + $0.uploadRate, $1.address) })
    }

    /// Why the image is not here faster; `nil` when it is here.
    /// - Parameter load: what this host's threads were busy with.
    func why(_ load: ThreadLoad) async -> WhyReport.Entry? {
        if isDone { return nil }
        let summary = await driver?.summary()
        let swarm = summary?.swarm
        let verified = bytes(pieces: swarm?.verifiedPieces ?? 0)
        let remaining = metainfo.geometry.size - verified
        let resources = network.resources
        var evidence = FetchEvidence(remaining: remaining, free: host.freeBytes)
        evidence.rate = swarm?.downloadRate ?? 0
        evidence.cap = resources.down.bytesPerSecond
        evidence.stagingCap = isInBackground ? resources.background.bytesPerSecond : nil
        evidence.link = LinkRate.bytesPerSecond(cap: nil)
        let holders = swarm?.peers.filter { $0.wantedCount > 0 } ?? []
        (evidence.peers, evidence.holders) = (swarm?.peers.count ?? 0, holders.count)
        evidence.servers = holders.count { $0.serves }
        evidence.missingPieces = swarm?.missingPieces ?? 0
        evidence.unavailablePieces = swarm?.unavailablePieces ?? 0
        evidence.trackers = trackerStates().map { tracker in
            switch tracker.state {
            case "ok": .answering
            case "waiting": .waiting
            default: .failing(tracker.state)
            }
        }
        (evidence.hashing, evidence.disk, evidence.isBackedUp) = (load.hashing, load.disk, load.isBackedUp)
        var origins: [String: Int64] = [:]
        for (origin, bytes) in summary?.origins ?? [:] { origins[origin.rawValue] = bytes }
        origins["local"] = max(0, verified - origins.values.reduce(0, +))
        return WhyReport.Entry(
            master: "\(name)", state: state, size: metainfo.geometry.size, bytesVerified: verified,
            downloadRate: Int64(evidence.rate), eta: TimeRange(remaining: remaining, rate: evidence.rate),
            diagnosis: diagnosis(evidence), origins: origins)
    }

    private func diagnosis(_ evidence: FetchEvidence) -> Diagnosis {
        if let failure, hasFailed {
            return Diagnosis(
                .stopped, "The fetch has stopped: \(failure).",
                advice: "Mend that, then begin it again with “drover master fetch”: what has come in is kept.")
        }
        if !isFetching { return Diagnosis(.disk, "All of it is here; it is being registered, which syncs it to disk.") }
        return Diagnosis(evidence)
    }
}
