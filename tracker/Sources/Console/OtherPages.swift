// SPDX-License-Identifier: Apache-2.0

import FleetProtocol

/// A published master and who has it.
package struct MasterScene: Sendable {
    package let master: String
    package let size: Int64
    package let published: String
    package let label: String?
    /// Hosts that hold it, those on which it is active, and clones that hang on it.
    package let held: Int
    package let active: Int
    package let clones: Int

    package init(
        master: String, size: Int64, published: String, label: String?, held: Int, active: Int, clones: Int
    ) {
        self.master = master
        self.size = size
        self.published = published
        self.label = label
        self.held = held
        self.active = active
        self.clones = clones
    }
}

/// One entry of the audit trail.
package struct AuditScene: Sendable {
    package let at: String
    package let actor: String
    package let action: String
    package let subject: String
    package let outcome: String
    package let request: String

    package init(at: String, actor: String, action: String, subject: String, outcome: String, request: String) {
        self.at = at
        self.actor = actor
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.request = request
    }
}

extension ConsolePage {
    package static func masters(_ masters: [MasterScene], next: String?) -> ConsolePage {
        let rows: [HTML] = masters.map { master in
            """
            <tr><td>\(master.master)</td><td class="n">\(HTML.bytes(master.size))</td><td class="n">\(master.held)</td>
            <td class="n">\(master.active)</td><td class="n">\(master.clones)</td><td>\(HTML.time(master.published))</td>
            <td class="hint">\(master.label ?? "")</td></tr>
            """
        }
        let more: HTML =
            next.map { "<p><a class=\"button\" href=\"/masters?after=\($0.inPath)\">More masters</a></p>" } ?? .nothing
        return ConsolePage(
            "Masters", at: .masters, isLive: true,
            """
            <section id="list" aria-label="Masters">
            \(HTML.table(
                "Published masters", ["Master", "#Size", "#Hosts that hold it", "#Active on", "#Clones", "Published", "Label"],
                rows, empty: "None is published. “drover master publish NAME@VERSION” does that."))
            \(more)
            </section>
            """)
    }

    package static func audit(_ entries: [AuditScene], next: String?) -> ConsolePage {
        let rows: [HTML] = entries.map { entry in
            """
            <tr><td>\(HTML.time(entry.at))</td><td>\(entry.actor)</td><td>\(entry.action)</td><td>\(entry.subject)</td>
            <td>\(HTML.tag(entry.outcome == "done" ? .good : .attention, entry.outcome))</td><td class="hint">\(entry.request)</td></tr>
            """
        }
        let more: HTML =
            next.map { "<p><a class=\"button\" href=\"/audit?before=\($0.inPath)\">Earlier entries</a></p>" }
            ?? .nothing
        return ConsolePage(
            "Audit", at: .audit,
            """
            <p>Who did what, refusals included. “drover-tracker audit verify” shows that nothing was changed.</p>
            \(HTML.table("Audit trail, the newest first", ["When", "Who", "What", "About", "Outcome", "Request"], rows, empty: "Nothing has happened yet."))
            \(more)
            """)
    }

    /// Asks once more before something is done, and says what it comes to.
    /// - Parameters:
    ///   - key: names the request, so that it is carried out once however often it is sent.
    ///   - asksReason: whether somebody may say why.
    package static func confirm(
        _ title: String, at place: Place, _ consequences: [String], action: String, word: String, back: String,
        key: String, asksReason: Bool
    ) -> ConsolePage {
        let reason: HTML =
            asksReason
            ? "<label for=\"reason\">Why (others read it)</label><input id=\"reason\" name=\"reason\" maxlength=\"500\">"
            : .nothing
        return ConsolePage(
            title, at: place,
            """
            <ul class="plain">\(consequences.map { "<li>\($0)</li>" as HTML })</ul>
            <form method="post" action="\(action)">
            <input type="hidden" name="key" value="\(key)">
            \(reason)
            <p class="actions"><button class="main">\(word)</button> <a class="button" href="\(back)">Leave it</a></p>
            </form>
            """)
    }

    /// Something that could not be done.
    package static func problem(_ title: String, _ detail: String, code: String) -> ConsolePage {
        ConsolePage(
            title, at: nil,
            "<p class=\"notice bad\" role=\"alert\"><b>✕</b> \(detail) <span class=\"hint\">\(code)</span></p><p><a class=\"button\" href=\"/\">Overview</a></p>"
        )
    }
}
