// SPDX-License-Identifier: Apache-2.0

import Amounts
import PeerService

/// A host's status in words.
enum StatusText {
    /// The whole status.
    static func screen(_ report: StatusReport) -> String {
        var lines: [String] = []
        let listening = report.listen.isEmpty ? "" : ", listening at \(report.listen.joined(separator: " and "))"
        lines.append("\(report.store): \(report.isRunning ? "peer running\(listening)" : "no peer running")")
        let backends = (report.clonesByBackend ?? [:]).sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let clones = backends.isEmpty ? "" : " (\(backends.joined(separator: ", ")))"
        lines.append("\(report.clones) clones\(clones), \(ByteText(report.freeBytes)) free")
        lines += (report.warnings ?? []).map { "warning: \($0)" }
        if let enrolment = report.enrolment {
            lines.append("enrolled as \(enrolment.host) in fleet \(enrolment.fleet.prefix(16))")
        }
        let open = report.openListeners ?? []
        if !open.isEmpty { lines.append("open to everyone, without TLS: \(open.joined(separator: ", "))") }
        for tracker in report.trackers { lines.append("tracker \(tracker.url): \(tracker.state)") }
        for order in report.orders ?? [] {
            let code = order.code.map { ", \($0)" } ?? ""
            lines.append("rollout \(order.rollout): \(order.step) \(order.master), \(order.phase)\(code)")
        }
        if let limits = report.limits, limits != RateLimits() {
            lines.append("limits: up \(RateText.words(limits.up)), down \(RateText.words(limits.down))")
        }
        for (title, counts) in [("dropped", report.violations), ("not let in", report.refusals)] {
            guard let counts, !counts.isEmpty else { continue }
            let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            lines.append("connections \(title): \(words.joined(separator: ", "))")
        }
        lines.append("")
        guard !report.masters.isEmpty else {
            lines.append("no masters; make one with `drover master create` or fetch one with `drover master fetch`")
            return lines.joined(separator: "\n")
        }
        let rows = report.masters.map { entry in
            [
                "\(entry.name)@\(entry.version)", entry.state, percent(entry), "\(ByteText(entry.size))",
                "\(ByteText(entry.downloadRate))/s", "\(ByteText(entry.uploadRate))/s", "\(entry.peers)",
                "\(entry.clones.count)", entry.eta.map { "\(EtaText($0))" } ?? "",
                entry.failure ?? entry.label ?? "",
            ]
        }
        let columns = ["master", "state", "done", "size", "down", "up", "peers", "clones", "left", "note"]
        lines.append(Table(columns: columns, rows: rows).description)
        lines += report.masters.compactMap(feeders)
        return lines.joined(separator: "\n")
    }

    /// Who feeds a fetch, the most important ones first.
    private static func feeders(_ entry: StatusReport.Entry) -> String? {
        guard entry.state == "fetching", !entry.sources.isEmpty else { return nil }
        let shown = entry.sources.prefix(5).map { "\($0.peer) \(ByteText($0.bytes))" }
        let more = entry.sources.count > shown.count ? ", and \(entry.sources.count - shown.count) more" : ""
        return "\(entry.name)@\(entry.version) is fed by \(shown.joined(separator: ", "))\(more)"
    }

    /// One fetch in one line.
    static func progress(_ entry: StatusReport.Entry, trackers: [StatusReport.Tracker]) -> String {
        var line = "\(entry.name)@\(entry.version): \(entry.state) \(percent(entry))"
        line += " of \(ByteText(entry.size)), \(ByteText(entry.downloadRate))/s from \(entry.peers) peers"
        if let eta = entry.eta { line += ", \(EtaText(eta)) left" }
        // Somebody who waits for nothing should know why.
        if entry.peers == 0, let tracker = trackers.first(where: { $0.state != "ok" && $0.state != "waiting" }) {
            line += "; \(tracker.state)"
        }
        return line
    }

    private static func percent(_ entry: StatusReport.Entry) -> String {
        guard entry.size > 0 else { return "-" }
        // Rounded down, so that 100 % means all of it.
        return "\(Int(Double(entry.bytesVerified) / Double(entry.size) * 100)) %"
    }
}
