// SPDX-License-Identifier: Apache-2.0

import CloneLayer
package import Exposition
import FleetIdentity
import FoundationEssentials
import ImageStore
import Metainfo
import PeerTransport
import Supervision
import Swarm

/// What a peer measures, under the names that dashboards and alerts know. All is read when it is asked for.
extension Peer {
    /// Fetches and clone backends that are told apart: what is labelled has this bound.
    private static let labelLimit = 64

    package func metrics() async -> [MetricFamily] {
        let fetches = await fetches()
        return transfer + connections + (await storage(fetches)) + clones + identity + ProcessMetrics.families() + [
            .gauge("drover_build_info", "the program's version", by: "version", [(ProgramVersion.text, 1)]),
            .gauge(
                "drover_stage_progress_ratio", "the part of a master that is fetched and verified", by: "line",
                fetches.map { ($0.line, $0.part) }),
            .gauge(
                "drover_stage_rarest_copies", "connected peers that have the rarest piece that is missing", by: "line",
                fetches.map { ($0.line, Double($0.rarest)) }),
        ]
    }

    private struct Fetch {
        let line: String
        let part: Double
        let rarest: Int
        let remaining: Int64
    }

    /// What is being fetched, one for each line: the newest version.
    private func fetches() async -> [Fetch] {
        var fetches: [String: Fetch] = [:]
        for name in images {
            guard let swarm = swarms[name], await swarm.isFetching else { continue }
            let entry = await swarm.entry()
            fetches[name.name] = Fetch(
                line: name.name, part: Double(entry.bytesVerified) / Double(max(1, entry.size)),
                rarest: entry.rarestCopies ?? 0, remaining: entry.size - entry.bytesVerified)
        }
        return Array(fetches.values.sorted { $0.line < $1.line }.prefix(Self.labelLimit))
    }

    private var transfer: [MetricFamily] {
        let meter = network.resources.meter.now
        return [
            .counter(
                "drover_peer_bytes_total", "bytes of images that were received and verified, and sent", by: "direction",
                [("received", Double(meter.received.values.reduce(0, +))), ("sent", Double(meter.sent))]),
            .counter(
                "drover_peer_origin_bytes_total", "bytes of images that were received, by where from", by: "origin",
                WorkMeter.Origin.allCases.map { ($0.rawValue, Double(meter.received[$0] ?? 0)) }),
            .counter(
                "drover_peer_blocks_rejected_total", "pieces whose content was wrong, and peers that brought such",
                by: "reason",
                [
                    ("piece-mismatched", Double(meter.mismatchedPieces)), ("peer-banned", Double(meter.bannedPeers)),
                ]),
            .counter(
                "drover_peer_thread_seconds_total", "what threads were busy with since the start", by: "work",
                WorkMeter.Work.allCases.map { ($0.rawValue, meter.busy[$0] ?? 0) }),
            .gauge(
                "drover_stage_last_verified_block_timestamp_seconds",
                "when a piece of a fetch was last verified, in seconds since 1970",
                meter.sinceVerified.map { Date.now.timeIntervalSince1970 - $0.seconds }),
        ]
    }

    private var connections: [MetricFamily] {
        let counts = network.counts
        return [
            .gauge(
                "drover_peer_connections", "connections with other peers", by: "state",
                [("open", Double(network.connectionCount))]),
            .counter(
                "drover_peer_refused_connections_total", "connections that were not let in", by: "reason",
                counts.refusals.sorted { $0.key < $1.key }.map { ($0.key, Double($0.value)) }),
            .counter(
                "drover_peer_violations_total", "connections that broke the protocol", by: "kind",
                counts.violations.sorted { $0.key < $1.key }.map { ($0.key, Double($0.value)) }),
        ]
    }

    private func storage(_ fetches: [Fetch]) async -> [MetricFamily] {
        let free = host.freeBytes
        let masters = await masters()
        let states = Dictionary(masters.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +)
        return [
            .gauge("drover_store_free_bytes", "free space on the store's file system", Double(free)),
            .gauge(
                "drover_store_headroom_bytes", "what is free beyond what the fetches still need",
                Double(free) - Double(fetches.reduce(0) { $0 + $1.remaining })),
            .gauge(
                "drover_store_masters", "masters of the store", by: "state",
                states.sorted { $0.key < $1.key }.map { ($0.key, Double($0.value)) }),
            .counter(
                "drover_scrub_corrupt_blocks_total", "pieces that a verification of a whole master found wrong",
                Double(host.meters.corruptPieces)),
            .gauge(
                "drover_scrub_last_success_timestamp_seconds",
                "when a whole master was last found right by this process, in seconds since 1970",
                host.meters.lastScrub?.timeIntervalSince1970),
        ]
    }

    private var clones: [MetricFamily] {
        [
            .gauge(
                "drover_clones",
                "clones of this host, by how they are; those in block devices are looked at now and then",
                by: "state",
                [
                    ("ok", Double(max(0, host.clones.list().count - warnings.count))),
                    ("warning", Double(warnings.count)),
                ]),
            .histogram(
                "drover_clone_create_duration_seconds", "how long it took to make a clone", by: "backend",
                host.meters.cloneTimes.prefix(Self.labelLimit)),
        ]
    }

    private var identity: [MetricFamily] {
        var certificates: [(String, Double)] = []
        if let membership = host.enrolment.membership {
            certificates = [
                ("host", membership.identity.certificate.validUntil.timeIntervalSince1970),
                ("authority", membership.identity.anchor.validUntil.timeIntervalSince1970),
            ]
        }
        return [
            .gauge(
                "drover_certificate_expiry_timestamp_seconds", "when a certificate ends, in seconds since 1970",
                by: "certificate", certificates),
            .gauge(
                "drover_clock_offset_seconds", "how far this host's clock is ahead of its tracker's",
                host.meters.clockOffset),
        ]
    }
}
