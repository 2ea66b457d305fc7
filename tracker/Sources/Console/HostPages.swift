// SPDX-License-Identifier: Apache-2.0

import Amounts
package import FleetProtocol

/// What a page of one host shows besides what the tracker stores of it.
package struct HostScene: Sendable {
    package var activity: HostActivity?
    /// Oldest first; seconds count from any moment.
    package var samples: [(seconds: Double, down: UInt64, up: UInt64)] = []
    /// What rollouts that are not over say of it.
    package var reasons: [RolloutWhyDocument] = []
    /// What happened to it lately, the newest first.
    package var events: [RolloutMoment] = []

    package init() {}
}

extension ConsolePage {
    /// - Parameters:
    ///   - activities: what goes on at those hosts that are shown, by name.
    package static func hosts(
        _ list: HostListDocument, activities: [String: HostActivity], selector: String, state: String
    ) -> ConsolePage {
        let states: [HTML] = ["all", "online", "silent", "drained", "pinned"].map { name in
            "<option value=\"\(name)\"\(name == state ? " selected" as HTML : .nothing)>\(name)</option>"
        }
        let rows: [HTML] = list.hosts.map { host in
            let lines = (host.facts?.lines ?? []).compactMap { line in line.active.map { "\(line.name)@\($0)" } }
            let labels = host.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return """
                <tr><td>\(HTML.host(host.name))</td><td>\(tags(host))</td><td>\(lines.joined(separator: ", "))</td>
                <td>\(progress(activities[host.name]))</td><td class="n">\(host.facts.map { HTML.bytes($0.freeBytes) })</td>
                <td class="hint">\(labels.joined(separator: " "))</td></tr>
                """
        }
        let more: HTML =
            list.next.map {
                "<p><a class=\"button\" rel=\"next\" href=\"/hosts?selector=\(selector.inPath)&amp;state=\(state.inPath)&amp;after=\($0.inPath)\">More hosts</a></p>"
            } ?? .nothing
        return ConsolePage(
            "Hosts", at: .hosts, isLive: true,
            """
            <form method="get" action="/hosts" class="filter">
            <label for="selector">Labels</label><input id="selector" name="selector" value="\(selector)" spellcheck="false">
            <label for="state">State</label><select id="state" name="state">\(states)</select>
            <button>Show</button>
            </form>
            <section id="list" aria-label="Hosts">
            \(HTML.table(
                "Hosts by name", ["Host", "State", "Active", "Fetching", "#Free", "Labels"], rows,
                empty: "No host fits. “all”, or labels such as rack=r1, choose hosts."))
            \(more)
            </section>
            """)
    }

    private static func tags(_ host: HostDocument) -> HTML {
        var tags = [host.isOnline ? HTML.tag(.good, "online") : HTML.tag(.attention, "silent")]
        if host.isDrained { tags.append(HTML.tag(.idle, "drained")) }
        if !host.pinned.isEmpty { tags.append(HTML.tag(.idle, "pinned")) }
        if host.facts?.isHealthy == false { tags.append(HTML.tag(.attention, "unwell")) }
        return "\(tags.map { "\($0) " as HTML })"
    }

    private static func progress(_ activity: HostActivity?) -> HTML {
        guard let fetch = activity?.fetches.first else { return .nothing }
        let percent = String.percent(Double(fetch.bytes) / Double(max(1, fetch.size)))
        return "\(fetch.master) \(percent), \(HTML.rate(fetch.rate))"
    }

    package static func host(_ host: HostDocument, _ scene: HostScene, for viewer: Viewer) -> ConsolePage {
        let labels = host.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let heard: HTML = host.lastHeard.map { HTML.time($0) } ?? "never"
        let lines: [HTML] = (host.facts?.lines ?? []).map { line in
            let held = line.held.map(String.init).joined(separator: ", ")
            let denied = line.denied.map(String.init).joined(separator: ", ")
            let clones = line.clones.map { "\($0.count) of \($0.version)" }.joined(separator: ", ")
            return """
                <tr><td>\(line.name)</td><td class="n">\(line.active.map { "\($0)" as HTML } ?? "none")</td><td>\(held)</td>
                <td>\(clones)</td><td>\(denied)</td><td>\(pin(line.name, of: host, viewer))</td></tr>
                """
        }
        let events: [HTML] = scene.events.map { event in
            "<li>\(HTML.time(event.at)) <b>\(event.text)</b> <span class=\"hint\">rollout \(HTML.rollout(event.rollout)), \(event.by)</span></li>"
        }
        let actions: HTML =
            viewer.mayRollOut
            ? "<p class=\"actions\"><a class=\"button\" href=\"/hosts/\(host.name.inPath)/\(host.isDrained ? "undrain" : "drain")\">\(host.isDrained ? "Let it take part" : "Drain")</a></p>"
            : .nothing
        return ConsolePage(
            host.name, at: .hosts, isLive: true,
            """
            <section id="state" aria-label="State">
            <p class="lead">\(tags(host)) <span class="hint">\(labels)</span></p>
            \(actions)
            <dl class="figures">
            <div><dt>Last heard</dt><dd>\(heard)</dd></div>
            <div><dt>Enrolled</dt><dd>\(HTML.time(host.enrolled))</dd></div>
            <div><dt>Free</dt><dd>\(host.facts.map { "\(HTML.bytes($0.freeBytes)) of \(HTML.bytes($0.capacityBytes))" as HTML } ?? "not known")</dd></div>
            <div><dt>Program</dt><dd>\(host.facts?.program ?? "not known")</dd></div>
            </dl>
            </section>
            \(HTML.section("why", "Why", why(scene)))
            \(HTML.section("fetches", "Fetches", fetches(scene.activity)))
            \(HTML.section("rates", "Rates", Drawing.rates(scene.samples)))
            \(HTML.section("masters", "Masters and clones", HTML.table("Masters by line", ["Line", "#Active", "Held", "Clones", "Denied", ""], lines, empty: "It has said of none.")))
            \(HTML.section("events", "What happened lately", events.isEmpty ? "<p class=\"empty\">No rollout has reached it lately.</p>" : "<ol class=\"timeline\">\(events)</ol>"))
            """)
    }

    private static func pin(_ line: String, of host: HostDocument, _ viewer: Viewer) -> HTML {
        let isPinned = host.pinned.contains(line)
        let tag = isPinned ? HTML.tag(.idle, "pinned") : .nothing
        guard viewer.mayRollOut else { return tag }
        let path = "/hosts/\(host.name.inPath)/\(isPinned ? "unpin" : "pin")/\(line.inPath)"
        return "\(tag) <a href=\"\(path)\">\(isPinned ? "Let it follow…" : "Pin…")</a>"
    }

    private static func why(_ scene: HostScene) -> HTML {
        let fetches: [HTML] = (scene.activity?.fetches ?? []).map { fetch in
            "<li><b>\(fetch.master): \(fetch.cause).</b> \(fetch.finding)</li>"
        }
        let rollouts: [HTML] = scene.reasons.map { why in
            let log: HTML =
                why.log == nil ? .nothing : " <a href=\"/rollouts/\(why.rollout)/log/\(why.host.inPath)\">log</a>"
            return """
                <li>rollout \(HTML.rollout(why.rollout)), wave \(why.wave + 1): \(HTML.tag(Level(host: why.state), why.state)) \(why.explanation)\(log)</li>
                """
        }
        let all = fetches + rollouts
        return all.isEmpty ? "<p class=\"empty\">Nothing is under way here.</p>" : "<ul class=\"plain\">\(all)</ul>"
    }

    private static func fetches(_ activity: HostActivity?) -> HTML {
        guard let activity, !activity.fetches.isEmpty else { return "<p class=\"empty\">It fetches nothing.</p>" }
        return """
            \(activity.fetches.map { fetch in
                let percent = String.percent(Double(fetch.bytes) / Double(max(1, fetch.size)))
                let left: HTML =
                    if let least = fetch.least, let most = fetch.most {
                        ", \(SpanText(seconds: Double(least)).description) to \(SpanText(seconds: Double(most)).description) left"
                    } else {
                        .nothing
                    }
                return """
                    <article class="card"><h3>\(fetch.master)</h3>
                    \(Drawing.pieces(fetch.map, done: percent))
                    <p>\(percent) of \(HTML.bytes(fetch.size)), \(HTML.rate(fetch.rate))\(left); copies of the rarest piece: \(fetch.rarestCopies)</p></article>
                    """ as HTML
            })
            """
    }
}
