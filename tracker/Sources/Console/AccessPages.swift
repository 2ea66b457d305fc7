// SPDX-License-Identifier: Apache-2.0

/// A token of an operator, or of hosts that are to be enrolled.
package struct TokenScene: Sendable {
    package let id: String
    package let name: String
    package let grants: String
    package let expires: String
    package let state: String
    /// Whether it can be taken back.
    package let isValid: Bool

    package init(id: String, name: String, grants: String, expires: String, state: String, isValid: Bool) {
        self.id = id
        self.name = name
        self.grants = grants
        self.expires = expires
        self.state = state
        self.isValid = isValid
    }
}

/// Who may do what here, and which hosts may come.
extension ConsolePage {
    /// - Parameter enrols: whether hosts enrol at this tracker.
    package static func access(
        operators: [TokenScene], enrolments: [TokenScene], enrols: Bool, for viewer: Viewer
    ) -> ConsolePage {
        func rows(_ tokens: [TokenScene], revocable: Bool) -> [HTML] {
            tokens.map { token in
                let action: HTML =
                    revocable && token.isValid ? "<a href=\"/access/\(token.id.inPath)/revoke\">Revoke…</a>" : .nothing
                return """
                    <tr><td>\(token.id)</td><td>\(token.name)</td><td>\(token.grants)</td>
                    <td>\(HTML.tag(token.isValid ? .good : .idle, token.state))</td><td>\(HTML.time(token.expires))</td><td>\(action)</td></tr>
                    """
            }
        }
        let columns = ["Id", "Name", "For", "State", "Until", ""]
        let newOperator: HTML =
            viewer.mayCreateTokens
            ? "<p class=\"actions\"><a class=\"button\" href=\"/access/operator\">New token for an operator…</a></p>"
            : .nothing
        let newHost: HTML =
            enrols
            ? "<p class=\"actions\"><a class=\"button\" href=\"/access/enrolment\">New token for a host…</a></p>"
            : .nothing
        let first: HTML =
            viewer.mayManageTokens
            ? HTML.section(
                "operators", "Operators",
                "\(newOperator)\(HTML.table("Tokens of operators", columns, rows(operators, revocable: true), empty: "None."))"
            )
            : .nothing
        let second: HTML =
            viewer.mayManageHosts
            ? HTML.section(
                "enrolment", "Enrolment",
                "\(newHost)\(HTML.table("Tokens for hosts", columns, rows(enrolments, revocable: false), empty: "None."))"
            )
            : .nothing
        return ConsolePage("Access", at: .access, "\(first)\(second)")
    }

    /// Asks whom a new operator's token is for.
    /// - Parameters:
    ///   - roles: those that there are.
    ///   - days: for how many it is valid unless somebody says otherwise.
    ///   - key: names the request, so that it is carried out once however often it is sent.
    package static func newOperatorToken(roles: [String], days: Int, key: String) -> ConsolePage {
        let boxes: [HTML] = roles.map { role in
            "<label class=\"box\"><input type=\"checkbox\" name=\"role-\(role)\" value=\"yes\"> \(role)</label>"
        }
        return form(
            "New token for an operator", "/access/operator", key: key,
            ["Whoever has it may what its roles allow, from now on. It is shown once."],
            """
            <label for="name">Who holds it</label><input id="name" name="name" maxlength="200" required>
            <fieldset><legend>Roles</legend>\(boxes)</fieldset>
            <label for="lines">Lines of masters, such as debian web-* (none for all)</label><input id="lines" name="lines" spellcheck="false">
            <label for="days">Days</label><input id="days" name="days" type="number" min="1" max="366" value="\(days)" required>
            """)
    }

    /// Asks which host a new enrolment token is for.
    package static func newEnrolmentToken(key: String) -> ConsolePage {
        form(
            "New token for a host", "/access/enrolment", key: key,
            ["One host enrols with it within an hour, and gets a certificate of the fleet. It is shown once."],
            """
            <label for="hosts">Name of the host, or a pattern such as rack1-*</label><input id="hosts" name="hosts" maxlength="253" required spellcheck="false">
            <label for="labels">Labels, such as rack=r1 role=web</label><input id="labels" name="labels" spellcheck="false">
            """)
    }

    /// Shows what is not shown again.
    package static func secret(_ title: String, _ secret: String, _ words: [String]) -> ConsolePage {
        ConsolePage(
            title, at: .access,
            """
            <p class="notice attention"><b>!</b> It is shown here and never again.</p>
            <pre tabindex="0" class="secret">\(secret)</pre>
            <ul class="plain">\(words.map { "<li>\($0)</li>" as HTML })</ul>
            <p class="actions"><a class="button" href="/access">Back to access</a></p>
            """)
    }

    private static func form(
        _ title: String, _ action: String, key: String, _ consequences: [String], _ fields: HTML
    ) -> ConsolePage {
        ConsolePage(
            title, at: .access,
            """
            <ul class="plain">\(consequences.map { "<li>\($0)</li>" as HTML })</ul>
            <form method="post" action="\(action)" class="fields">
            <input type="hidden" name="key" value="\(key)">
            \(fields)
            <p class="actions"><button class="main">Make it</button> <a class="button" href="/access">Leave it</a></p>
            </form>
            """)
    }
}
