// SPDX-License-Identifier: Apache-2.0

/// A whole page: its frame, and what is in it.
package struct ConsolePage: Sendable {
    /// The places that are always at hand.
    package enum Place: String, CaseIterable, Sendable {
        case overview, rollouts, hosts, masters, swarm, audit, access

        var path: String { self == .overview ? "/" : "/\(rawValue)" }
        var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

        func isFor(_ viewer: Viewer) -> Bool {
            switch self {
            case .overview, .rollouts, .hosts, .masters, .swarm: true
            case .audit: viewer.mayReadAudit
            case .access: viewer.mayManageTokens || viewer.mayManageHosts
            }
        }
    }

    let title: String
    let place: Place?
    let content: HTML
    /// Whether it is kept up to date while it is looked at.
    let isLive: Bool

    init(_ title: String, at place: Place?, isLive: Bool = false, _ content: HTML) {
        self.title = title
        self.place = place
        self.content = content
        self.isLive = isLive
    }

    /// - Parameter viewer: who is signed in.
    package func html(for viewer: Viewer) -> String {
        let places: [HTML] = Place.allCases.filter { $0.isFor(viewer) }.map { place in
            place == self.place
                ? "<li><a href=\"\(place.path)\" aria-current=\"page\">\(place.title)</a></li>"
                : "<li><a href=\"\(place.path)\">\(place.title)</a></li>"
        }
        let live: HTML =
            isLive
            ? "<p id=\"live\" class=\"live\" role=\"status\"><noscript>Reload the page to see what is new.</noscript></p>"
            : .nothing
        return Self.frame(
            title,
            head: """
                <link rel="stylesheet" href="/console.css">
                <script src="/console.js" defer></script>
                """,
            body: """
                <a class="skip" href="#main">Skip to the content</a>
                <header>
                  <a class="brand" href="/">Drover</a>
                  <nav aria-label="Places"><ul>\(places)</ul></nav>
                  <form method="post" action="/session/end" class="who">
                    <span>\(viewer.name)</span><button class="quiet">Sign out</button>
                  </form>
                </header>
                <main id="main" tabindex="-1"\(isLive ? " data-live" as HTML : .nothing)>
                <h1>\(title)</h1>
                \(live)
                \(content)
                </main>
                """)
    }

    /// The page for those who are not signed in. Nothing else is handed out to them, so that it brings its own style.
    /// - Parameters:
    ///   - problem: why an attempt failed.
    ///   - style: where the style is, as a data URL.
    package static func signIn(problem: String?, style: String) -> String {
        let notice: HTML = problem.map { "<p class=\"notice bad\" role=\"alert\"><b>✕</b> \($0)</p>" } ?? .nothing
        return frame(
            "Sign in", head: "<link rel=\"stylesheet\" href=\"\(style)\">",
            body: """
                <main id="main" class="narrow">
                <h1>Drover</h1>
                \(notice)
                <form method="post" action="/session">
                  <label for="token">Your token</label>
                  <input id="token" name="token" type="password" autocomplete="current-password" required autofocus
                    aria-describedby="hint">
                  <p id="hint" class="hint">It begins with drv_. An admin makes one with
                    <code>drover-tracker operator create</code>.</p>
                  <button class="main">Sign in</button>
                </form>
                </main>
                """)
    }

    private static func frame(_ title: String, head: HTML, body: HTML) -> String {
        let page: HTML = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title) · Drover</title>
            <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='%230f6f6a'/%3E%3C/svg%3E">
            \(head)
            </head>
            <body>
            \(body)
            </body>
            </html>

            """
        return page.markup
    }
}
