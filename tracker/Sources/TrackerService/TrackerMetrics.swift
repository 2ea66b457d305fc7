// SPDX-License-Identifier: Apache-2.0

import Exposition
import FleetService
import FoundationEssentials
import Metainfo
import Supervision

/// What a tracker measures, under the names that dashboards and alerts know. All is read when it is asked for.
struct TrackerMetrics: Sendable {
    let swarms: LiveSwarms
    let fleet: Fleet?
    let audit: TrackerAudit
    /// When certificates end, by what they are for.
    let certificates: [(String, Date)]
    /// How far behind with its work the HTTP server is.
    let lag: @Sendable () -> Duration

    func families() async -> [MetricFamily] {
        var families = announces + ProcessMetrics.families()
        families.append(
            .gauge(
                "drover_build_info", "the program's version", by: "version", [(ProgramVersion.text, 1)]))
        families.append(
            .gauge(
                "drover_certificate_expiry_timestamp_seconds", "when a certificate ends, in seconds since 1970",
                by: "certificate", certificates.map { ($0.0, $0.1.timeIntervalSince1970) }))
        if let fleet { families += Self.families(of: await fleet.measures()) }
        return families
    }

    private var announces: [MetricFamily] {
        let (counts, measures) = (swarms.counts(), swarms.measures())
        return [
            .gauge("drover_tracker_swarms", "images that peers announce", Double(counts.swarms)),
            .gauge("drover_tracker_peers", "peers in all swarms", Double(counts.peers)),
            .histogram(
                "drover_tracker_announce_duration_seconds", "how long it took to answer an announce", by: "protocol",
                [("http", measures.http), ("udp", measures.udp)]),
            .counter(
                "drover_tracker_shed_requests_total", "announces that were turned away for want of time",
                by: "protocol", [("http", Double(measures.httpShed)), ("udp", Double(measures.udpShed))]),
            .counter(
                "drover_tracker_refused_requests_total", "requests that were refused at the door",
                Double(audit.refusedCount)),
            .gauge(
                "drover_tracker_lag_seconds", "how far behind with its work the HTTP server is", lag() / .seconds(1)),
        ]
    }

    private static func families(of fleet: FleetMeasures) -> [MetricFamily] {
        let rollouts = fleet.rollouts
        return [
            .gauge(
                "drover_fleet_hosts", "enrolled hosts; drained, pinned and unwell ones are online or silent besides",
                by: "state",
                [
                    ("online", Double(fleet.online)), ("silent", Double(fleet.silent)),
                    ("drained", Double(fleet.drained)), ("pinned", Double(fleet.pinned)),
                    ("unwell", Double(fleet.unwell)),
                ]),
            .gauge(
                "drover_fleet_clones", "clones of the version that is active on their host, and of other ones",
                by: "version", [("active", Double(fleet.clonesOnActive)), ("other", Double(fleet.clonesOnOthers))]),
            .gauge(
                "drover_rollout_hosts", "hosts of a line's newest rollout", by: ("line", "state"),
                rollouts.flatMap { rollout in
                    rollout.hosts.map { (rollout.line, $0.state, Double($0.count)) }
                }),
            .gauge(
                "drover_rollout_state", "1 for where a line's newest rollout is", by: ("line", "state"),
                rollouts.flatMap { rollout in
                    FleetMeasures.phases.map { (rollout.line, $0, $0 == rollout.phase ? 1 : 0) }
                }),
            .gauge(
                "drover_rollout_paused", "1 while a line's newest rollout is paused", by: ("line", "reason"),
                rollouts.compactMap { rollout in rollout.pause.map { (rollout.line, $0, 1) } }),
            .gauge(
                "drover_rollout_stretch_ratio",
                "time that staging takes, by what the image takes over the median host's share of its link", by: "line",
                rollouts.compactMap { rollout in rollout.stretch.map { (rollout.line, $0) } }),
            .gauge(
                "drover_trust_metadata_expiry_timestamp_seconds",
                "when the publishers' statement about a line's newest rollout ends, in seconds since 1970", by: "line",
                rollouts.compactMap { rollout in rollout.expires.map { (rollout.line, Double($0)) } }),
        ]
    }
}
