// SPDX-License-Identifier: Apache-2.0

import PeerService

/// What has changed from one status to the next, a line each: for logs, in which a whole screen again and again would be of no
/// use.
struct StatusChanges {
    /// Percents between two lines about a fetch.
    private static let step: Int64 = 5

    private var masters: [String: String] = [:]
    private var others: [String] = []

    /// What is new; the first time that is everything.
    mutating func lines(_ report: StatusReport) -> [String] {
        var lines: [String] = []
        var known: [String: String] = [:]
        for entry in report.masters {
            let name = "\(entry.name)@\(entry.version)"
            let steps = entry.size > 0 ? entry.bytesVerified / max(1, entry.size / 100) / Self.step : 0
            // Rates waver all the time, and are no news by themselves.
            let state =
                "\(entry.state) \(entry.state == "fetching" ? steps : 0) \(entry.failure ?? "") \(entry.clones.count)"
            if masters[name] != state {
                let clones = entry.clones.isEmpty ? "" : ", \(entry.clones.count) clones"
                let failure = entry.failure.map { ": \($0)" } ?? ""
                lines.append(
                    entry.state == "fetching"
                        ? StatusText.progress(entry, trackers: report.trackers)
                        : "\(name): \(entry.state)\(clones)\(failure)")
            }
            known[name] = state
        }
        lines += masters.keys.filter { known[$0] == nil }.sorted().map { "\($0): removed" }
        masters = known
        let words =
            report.trackers.map { "tracker \($0.url): \($0.state)" } + (report.warnings ?? []).map { "warning: \($0)" }
            + (report.orders ?? []).map {
                "rollout \($0.rollout): \($0.step) \($0.master), \($0.phase)\($0.code.map { ", \($0)" } ?? "")"
            }
        lines += words.filter { !others.contains($0) }
        others = words
        return lines
    }
}
