// SPDX-License-Identifier: Apache-2.0

import Amounts
import FleetProtocol

extension ConsolePage {
    /// The first screen: is the fleet well, what is under way, and what to look at first.
    package static func overview(_ overview: Overview, for viewer: Viewer) -> ConsolePage {
        ConsolePage(
            "Overview", at: .overview, isLive: true,
            """
            \(verdict(overview))
            \(HTML.section("rollout", "Rollout", rollouts(overview.rollouts, viewer)))
            \(HTML.section("swarm", "Swarm", swarm(overview.swarms)))
            <div class="columns">
            \(HTML.section("capacity", "Capacity", capacity(overview.capacity)))
            \(HTML.section("trust", "Trust", trust(overview.trust)))
            \(HTML.section("tracker", "Tracker", tracker(overview.tracker)))
            </div>
            """)
    }

    private static func verdict(_ overview: Overview) -> HTML {
        let worst = overview.level
        let word: HTML =
            switch worst {
            case .bad: "BLOCKED (\(overview.reasons.count { $0.level == .bad }))"
            case .attention: "ATTENTION (\(overview.reasons.count))"
            default: "OK"
            }
        let reasons: [HTML] = overview.reasons.sorted { $1.level < $0.level }.map { reason in
            "<li><a href=\"\(reason.path)\">\(HTML.tag(reason.level, reason.text))</a></li>"
        }
        let list: HTML = reasons.isEmpty ? "<p>Nothing needs you.</p>" : "<ul class=\"reasons\">\(reasons)</ul>"
        return """
            <section id="verdict" class="verdict \(worst < .attention ? "good" : worst.name)" aria-labelledby="verdict-title">
            <h2 id="verdict-title"><i aria-hidden="true">\(worst < .attention ? Level.good.sign : worst.sign)</i> \(word)</h2>
            \(list)
            </section>
            """
    }

    private static func rollouts(_ rollouts: [RolloutStatusDocument], _ viewer: Viewer) -> HTML {
        guard !rollouts.isEmpty else {
            return """
                <p class="empty">There was none yet. One begins with <code>drover rollout start NAME@VERSION</code>.</p>
                """
        }
        return "\(rollouts.map { card($0, viewer) })"
    }

    private static func card(_ rollout: RolloutStatusDocument, _ viewer: Viewer) -> HTML {
        let tag = HTML.tag(
            Level(phase: rollout.phase.rawValue, isPaused: rollout.pause != nil),
            rollout.pause.map { "paused: \($0.code.rawValue)" } ?? rollout.phase.rawValue)
        return """
            <article class="card">
            <h3><a href="/rollouts/\(rollout.rollout)">\(rollout.master)</a> <span class="hint">rollout \(rollout.rollout), wave \(rollout.wave + 1) of \(rollout.waves.count)</span> \(tag)</h3>
            \(Drawing.hosts(rollout.hosts))
            <p>\(RolloutWords.next(rollout))</p>
            \(RolloutWords.failures(rollout))
            \(RolloutWords.actions(rollout, viewer, few: true))
            </article>
            """
    }

    private static func swarm(_ swarms: Overview.Swarms) -> HTML {
        guard swarms.fetchers > 0 else { return "<p class=\"empty\">Nobody fetches anything at the moment.</p>" }
        let rarest: HTML =
            switch swarms.rarestCopies {
            case nil: "not known"
            case 0?: HTML.tag(.bad, "0: nobody has all of it")
            case 1?: HTML.tag(.attention, "1")
            case let copies?: "\(copies)"
            }
        let eta: HTML =
            if let least = swarms.least, let most = swarms.most {
                "\(SpanText(seconds: Double(least)).description) to \(SpanText(seconds: Double(most)).description)"
            } else {
                "not known"
            }
        let rows: [HTML] = swarms.slowest.map { slow in
            """
            <tr><td>\(HTML.host(slow.host))</td><td>\(slow.master)</td><td class="n">\(String.percent(slow.part))</td>
            <td class="n">\(HTML.rate(slow.rate))</td><td><b>\(slow.cause)</b> \(slow.finding)</td></tr>
            """
        }
        return """
            <dl class="figures">
            <div><dt>Received together</dt><dd>\(HTML.rate(swarms.rate))</dd></div>
            <div><dt>Fetching</dt><dd>\(swarms.fetchers)</dd></div>
            <div><dt>Serving</dt><dd>\(swarms.seeds)</dd></div>
            <div><dt>Copies of the rarest piece</dt><dd>\(rarest)</dd></div>
            <div><dt>Left</dt><dd>\(eta)</dd></div>
            </dl>
            \(HTML.table("The slowest hosts", ["Host", "Master", "#Done", "#Rate", "What holds it back"], rows, empty: ""))
            """
    }

    private static func capacity(_ capacity: Overview.Capacity) -> HTML {
        let low: HTML =
            capacity.low == 0
            ? "none"
            : "\(HTML.tag(.attention, "\(capacity.low)")) \(capacity.lowest.map { "<br>\(HTML.host($0))" as HTML })"
        return """
            <dl>
            <dt>Hosts</dt><dd><a href="/hosts">\(capacity.hosts)</a></dd>
            <dt>Silent</dt><dd>\(capacity.silent == 0 ? "none" : "<a href=\"/hosts?state=silent\">\(HTML.tag(.attention, "\(capacity.silent)"))</a>" as HTML)</dd>
            <dt>Drained</dt><dd>\(capacity.drained == 0 ? "none" : "<a href=\"/hosts?state=drained\">\(capacity.drained)</a>" as HTML)</dd>
            <dt>Unwell</dt><dd>\(capacity.unwell == 0 ? "none" : HTML.tag(.attention, "\(capacity.unwell)"))</dd>
            <dt>Short of space</dt><dd>\(low)</dd>
            <dt>Clones of the active version</dt><dd>\(capacity.clonesOnActive)</dd>
            <dt>Clones of other versions</dt><dd>\(capacity.clonesOnOthers)</dd>
            </dl>
            """
    }

    private static func trust(_ trust: Overview.Trust) -> HTML {
        let expiries: [HTML] = trust.expiries.map { expiry in
            let level: Level = expiry.days < 0 ? .bad : expiry.days < 14 ? .attention : .good
            let words = expiry.days < 0 ? "has ended" : String.count(expiry.days, "day")
            return
                "<dt>\(expiry.what)</dt><dd>\(HTML.tag(level, words)) <span class=\"hint\">\(HTML.time(expiry.at))</span></dd>"
        }
        let refusals: HTML =
            "<dt>Refused since the start</dt><dd>\(trust.refusals == 0 ? "none" : "\(trust.refusals)" as HTML)</dd>"
        return """
            <dl>
            <dt>Publishers</dt><dd>\(trust.hasRoot ? "known here" : "judged by hosts alone")</dd>
            \(expiries)\(refusals)
            </dl>
            """
    }

    private static func tracker(_ tracker: Overview.Tracker) -> HTML {
        let slow =
            tracker.slow.map {
                !$0.isFinite ? "over 15 s" : $0 < 0.001 ? "under 1 ms" : "\(Int(($0 * 1000).rounded())) ms"
            } ?? "not measured yet"
        let lag =
            tracker.lag < 0.25
            ? HTML.tag(.good, "in time") : HTML.tag(.attention, "\(Int(min(tracker.lag, 1e6) * 1000)) ms late")
        return """
            <dl>
            <dt>Peers</dt><dd>\(tracker.peers) in \(String.count(tracker.swarms, "swarm"))</dd>
            <dt>Announces answered</dt><dd>\(tracker.announces)</dd>
            <dt>99 of 100 within</dt><dd>\(slow)</dd>
            <dt>Turned away</dt><dd>\(tracker.shed == 0 ? "none" : HTML.tag(.attention, "\(tracker.shed)"))</dd>
            <dt>Its work</dt><dd>\(lag)</dd>
            <dt>Version</dt><dd>\(tracker.version)</dd>
            <dt>Data</dt><dd>epoch \(tracker.epoch)</dd>
            </dl>
            """
    }
}
