// SPDX-License-Identifier: Apache-2.0

import Amounts
import FleetProtocol

/// Rollouts as people read them.
enum RolloutText {
    /// The order in which states are told: from what is done to what is in the way.
    private static let states = [
        "healthy", "already", "soaking", "probing", "activating", "staged", "verifying", "staging", "pending",
        "rolling-back", "rolled-back", "deferred-offline", "blocked", "skipped", "failed", "timed-out", "left",
    ]

    /// One line: where a rollout is.
    static func line(_ status: RolloutStatusDocument) -> String {
        let pause = status.pause.map { ", paused (\($0.code))" } ?? ""
        return "rollout \(status.rollout) of \(status.master) is \(status.phase)\(pause): \(counts(status.hosts))"
    }

    /// How far it is, for a line that is redrawn.
    static func progress(_ status: RolloutStatusDocument) -> String {
        let pause = status.pause.map { ", paused (\($0.code))" } ?? ""
        let wave = status.phase == .rolling ? " wave \(status.wave) of \(max(0, status.waves.count - 1))" : ""
        return "rollout \(status.rollout): \(status.phase)\(wave)\(pause), \(counts(status.hosts))"
    }

    static func status(_ status: RolloutStatusDocument) -> String {
        let pause = status.pause.map { pause in
            "\(pause.code) since \(pause.since) by \(pause.by): "
                + (pause.explanation ?? pause.code.explanation ?? "no reason was given")
        }
        let fields = Fields([
            ("rollout", "\(status.rollout)"), ("master", status.master), ("on", status.selector),
            ("phase", "\(status.phase) since \(status.since)"), ("paused", pause),
            ("hosts", counts(status.hosts)), ("failures", status.failures.isEmpty ? nil : counts(status.failures)),
            ("blocked", status.blocked.isEmpty ? nil : counts(status.blocked)),
            ("clones", clones(status.clones)), ("next by", status.nextBy),
        ])
        let waves = Table(
            columns: ["wave", "state", "hosts"],
            rows: status.waves.map { wave in
                [name(ofWave: wave.number), wave.state, wave.hosts.isEmpty ? "-" : counts(wave.hosts)]
            })
        return "\(fields)\n\n\(waves)"
    }

    static func plan(_ plan: RolloutPlanDocument) -> String {
        let hosts = plan.waves.joined().count
        let prediction = plan.prediction.map { time in
            "\(span(time.earliest)) when all goes well, \(span(time.latest)) at most; of it fetching \(span(time.staging))"
        }
        let fields = Fields([
            ("rollout", plan.rollout.map { "\($0)" }), ("master", plan.master), ("on", plan.selector),
            ("hosts", "\(hosts) in \(plan.waves.count) waves, \(plan.aside.count) aside"),
            ("to move", bytes(plan.bytesToMove)), ("time", prediction),
        ])
        var parts = [fields.description]
        let taking = plan.waves.enumerated().flatMap { number, wave in
            wave.map { row($0, wave: name(ofWave: number)) }
        }
        let rows = taking + plan.aside.map { row($0, wave: "aside") }
        if !rows.isEmpty {
            parts.append(Table(columns: ["wave", "host", "active", "to move", "why aside"], rows: rows).description)
        }
        if !plan.problems.isEmpty { parts.append(plan.problems.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    static func why(_ why: RolloutWhyDocument) -> String {
        Fields([
            ("host", why.host), ("rollout", "\(why.rollout)"), ("wave", name(ofWave: why.wave)),
            ("state", "\(why.state) since \(why.since)"), ("why", why.explanation),
            ("code", why.code.map { code in "\(code)" + (code.explanation.map { ": \($0)" } ?? "") }),
            ("waits for", why.holders.isEmpty ? nil : why.holders.joined(separator: ", ")),
            ("attempt", why.attempt > 0 ? "\(why.attempt)" : nil), ("until", why.until),
            ("log", why.log.map { _ in "drover rollout why \(why.rollout) \(why.host) --log" }),
            ("fetched", why.fetch.map { "\(bytes($0.bytes)) of \(bytes($0.size)), \(bytes($0.rate))/s" }),
            ("held up by", why.fetch.map { "\($0.cause): \($0.finding)" }),
        ]).description
    }

    static func name(ofWave number: Int) -> String { number == 0 ? "canaries" : "\(number)" }

    private static func row(_ host: RolloutPlanDocument.Host, wave: String) -> [String] {
        [
            wave, host.name, host.active.map { "@\($0)" } ?? "-", bytes(host.bytesToMove),
            host.code.map { code in "\(code)" } ?? "",
        ]
    }

    private static func counts(_ counts: [String: Int]) -> String {
        guard !counts.isEmpty else { return "no hosts" }
        func place(_ state: String) -> Int { states.firstIndex(of: state) ?? states.count }
        return counts.sorted { (place($0.key), $0.key) < (place($1.key), $1.key) }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    private static func clones(_ clones: [String: Int]) -> String? {
        guard !clones.isEmpty else { return nil }
        return clones.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }
            .map { "\($0.value) of @\($0.key)" }.joined(separator: ", ")
    }

    private static func bytes(_ count: UInt64) -> String { "\(ByteText(Int64(clamping: count)))" }

    private static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<90: "\(Int(seconds.rounded(.up))) s"
        case ..<5400: "\(Int((seconds / 60).rounded(.up))) min"
        case ..<1e9: "\(Int((seconds / 3600).rounded(.up))) h"
        default: "more than anybody waits"
        }
    }
}

/// Names and what is said of them, line by line; what has no value is left out.
struct Fields: CustomStringConvertible {
    private let fields: [(name: String, value: String?)]

    init(_ fields: [(name: String, value: String?)]) { self.fields = fields }

    var description: String {
        let shown = fields.compactMap { field in field.value.map { (field.name, $0) } }
        let width = shown.map(\.0.count).max() ?? 0
        return shown.map { name, value in name + String(repeating: " ", count: width - name.count + 2) + value }
            .joined(separator: "\n")
    }
}
