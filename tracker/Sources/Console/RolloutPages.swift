// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol

/// One host's place in a rollout, as far as a page shows it.
package struct RolloutHost: Sendable {
    package let name: String
    package let wave: Int
    package let state: String
    package let since: String
    /// Why it failed or is blocked.
    package let code: String?
    /// Whether it left a log, such as its probe's console.
    package let hasLog: Bool
    /// How that ends.
    package let excerpt: String?

    package init(
        name: String, wave: Int, state: String, since: String, code: String?, hasLog: Bool, excerpt: String?
    ) {
        self.name = name
        self.wave = wave
        self.state = state
        self.since = since
        self.code = code
        self.hasLog = hasLog
        self.excerpt = excerpt
    }
}

/// One thing that happened in a rollout.
package struct RolloutMoment: Sendable {
    package let at: String
    package let by: String
    package let text: String
    package let rollout: UInt64

    package init(at: String, by: String, text: String, rollout: UInt64) {
        self.at = at
        self.by = by
        self.text = text
        self.rollout = rollout
    }
}

extension ConsolePage {
    package static func rollouts(_ list: RolloutListDocument) -> ConsolePage {
        let rows: [HTML] = list.rollouts.map { entry in
            let level = Level(phase: entry.phase.rawValue, isPaused: entry.pause != nil)
            return """
                <tr><td class="n">\(HTML.rollout(entry.rollout))</td><td>\(entry.master)</td><td>\(entry.selector)</td>
                <td>\(HTML.tag(level, entry.pause.map { "paused: \($0.rawValue)" } ?? entry.phase.rawValue))</td>
                <td>\(HTML.time(entry.since))</td></tr>
                """
        }
        let more: HTML =
            list.next.map { "<p><a class=\"button\" href=\"/rollouts?before=\($0.inPath)\">Older ones</a></p>" }
            ?? .nothing
        return ConsolePage(
            "Rollouts", at: .rollouts,
            """
            <section id="list" aria-label="Rollouts">
            \(HTML.table(
                "Rollouts, the newest first", ["#Number", "Master", "Hosts", "State", "Since"], rows,
                empty: "There was none yet. One begins with “drover rollout start NAME@VERSION”."))
            \(more)
            </section>
            """)
    }

    /// - Parameters:
    ///   - troubled: hosts that failed, are blocked or wait, not more than a page shows.
    ///   - moments: what happened, the newest first.
    package static func rollout(
        _ rollout: RolloutStatusDocument, troubled: [RolloutHost], moments: [RolloutMoment], for viewer: Viewer
    ) -> ConsolePage {
        let tag = HTML.tag(
            Level(phase: rollout.phase.rawValue, isPaused: rollout.pause != nil),
            rollout.pause.map { "\(rollout.phase.rawValue), paused: \($0.code.rawValue)" } ?? rollout.phase.rawValue)
        let waves: [HTML] = rollout.waves.map { wave in
            let counts: [HTML] = wave.hosts.sorted { $0.key < $1.key }.map { state, count in
                "\(HTML.tag(Level(host: state), state)) <b>\(count)</b> "
            }
            return """
                <tr\(wave.number == rollout.wave && !rollout.phase.isOver ? " class=\"now\"" as HTML : .nothing)>
                <td class="n"><a href="/rollouts/\(rollout.rollout)/hosts?wave=\(wave.number)">\(wave.number + 1)\(wave.number == 0 ? " (canaries)" : "")</a></td><td>\(wave.state)</td><td>\(counts)</td></tr>
                """
        }
        let clones: [HTML] = rollout.clones.sorted { (Int($1.key) ?? 0) < (Int($0.key) ?? 0) }.map { version, count in
            "<div><dt>Clones of version \(version)</dt><dd>\(count)</dd></div>"
        }
        let timeline: [HTML] = moments.map { moment in
            "<li>\(HTML.time(moment.at)) <b>\(moment.text)</b> <span class=\"hint\">\(moment.by)</span></li>"
        }
        return ConsolePage(
            "\(rollout.master)", at: .rollouts, isLive: true,
            """
            <section id="state" aria-label="State">
            <p class="lead">\(tag) rollout \(rollout.rollout), for hosts <code>\(rollout.selector)</code></p>
            \(Drawing.hosts(rollout.hosts))
            <p>\(RolloutWords.next(rollout))</p>
            \(RolloutWords.actions(rollout, viewer, few: false))
            <dl class="figures">\(clones)</dl>
            </section>
            \(HTML.section("failures", "Hosts that need a look", groups(troubled, rollout.rollout)))
            \(HTML.section("waves", "Waves", HTML.table("Waves", ["#Wave", "State", "Hosts"], waves, empty: "It was not planned.")))
            \(HTML.section("timeline", "What happened", timeline.isEmpty ? "<p class=\"empty\">Nothing yet.</p>" : "<ol class=\"timeline\">\(timeline)</ol>"))
            """)
    }

    /// By reason, the most frequent first.
    private static func groups(_ hosts: [RolloutHost], _ rollout: UInt64) -> HTML {
        guard !hosts.isEmpty else { return "<p class=\"empty\">None.</p>" }
        let groups = Dictionary(grouping: hosts) { $0.code ?? $0.state }
            .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
        return """
            \(groups.map { code, hosts in
                let rows: [HTML] = hosts.map { host in
                    let excerpt: HTML =
                        host.excerpt.map { "<tr class=\"excerpt\"><td colspan=\"5\"><pre>\($0)</pre></td></tr>" } ?? .nothing
                    return """
                        <tr><td>\(HTML.host(host.name))</td><td class="n">\(host.wave + 1)</td>
                        <td>\(HTML.tag(Level(host: host.state), host.state))</td><td>\(HTML.time(host.since))</td><td>\(log(host, rollout))</td></tr>
                        \(excerpt)
                        """
                }
                return """
                    <h3>\(hosts.count) × \(code)</h3>
                    \(HTML.table("Hosts with \(code)", ["Host", "#Wave", "State", "Since", "Log"], rows, empty: ""))
                    """ as HTML
            })
            """
    }

    private static func log(_ host: RolloutHost, _ rollout: UInt64) -> HTML {
        host.hasLog ? "<a href=\"/rollouts/\(rollout)/log/\(host.name.inPath)\">log</a>" : .nothing
    }

    /// - Parameters:
    ///   - wave: the one whose hosts are shown, from 0; `nil` for all.
    ///   - state: the state in which they are; `nil` for any.
    ///   - next: the name after which the next page begins.
    package static func hosts(
        of rollout: RolloutStatusDocument, _ hosts: [RolloutHost], wave: Int?, state: String?, next: String?
    ) -> ConsolePage {
        let path = "/rollouts/\(rollout.rollout)/hosts"
        func query(wave: Int?, state: String?, after: String? = nil) -> String {
            let parts = [
                wave.map { "wave=\($0)" }, state.map { "state=\($0.inPath)" }, after.map { "after=\($0.inPath)" },
            ].compactMap { $0 }
            return parts.isEmpty ? path : "\(path)?\(parts.joined(separator: "&"))"
        }
        func choice(_ title: String, _ isChosen: Bool, _ path: String) -> HTML {
            "<li><a href=\"\(path)\"\(isChosen ? " aria-current=\"true\"" as HTML : .nothing)>\(title)</a></li>"
        }
        let waves =
            [choice("every wave", wave == nil, query(wave: nil, state: state))]
            + rollout.waves.map { each in
                choice("wave \(each.number + 1)", wave == each.number, query(wave: each.number, state: state))
            }
        let counts = wave.flatMap { wave in rollout.waves.first { $0.number == wave }?.hosts } ?? rollout.hosts
        let states =
            [choice("every state", state == nil, query(wave: wave, state: nil))]
            + counts.sorted { $0.key < $1.key }.map { each, count in
                choice("\(count) \(each)", state == each, query(wave: wave, state: each))
            }
        let rows: [HTML] = hosts.map { host in
            """
            <tr><td>\(HTML.host(host.name))</td><td class="n">\(host.wave + 1)</td><td>\(HTML.tag(Level(host: host.state), host.state))</td>
            <td>\(HTML.time(host.since))</td><td>\(host.code ?? "")</td><td>\(log(host, rollout.rollout))</td></tr>
            """
        }
        let more: HTML =
            next.map {
                "<p><a class=\"button\" rel=\"next\" href=\"\(query(wave: wave, state: state, after: $0))\">More hosts</a></p>"
            } ?? .nothing
        return ConsolePage(
            "Hosts of \(rollout.master)", at: .rollouts, isLive: true,
            """
            <p><a href="/rollouts/\(rollout.rollout)">Back to rollout \(rollout.rollout)</a></p>
            <section id="list" aria-label="Hosts">
            <ul class="choices" aria-label="Waves">\(waves)</ul>
            <ul class="choices" aria-label="States">\(states)</ul>
            \(HTML.table(
                "Hosts by name", ["Host", "#Wave", "State", "Since", "Why", "Log"], rows, empty: "No host fits."))
            \(more)
            </section>
            """)
    }

    package static func log(of host: String, in rollout: UInt64, _ text: String) -> ConsolePage {
        ConsolePage(
            "What \(host) said", at: .rollouts,
            """
            <p><a href="/rollouts/\(rollout)">Back to rollout \(rollout)</a></p>
            <pre tabindex="0">\(text)</pre>
            """)
    }
}
