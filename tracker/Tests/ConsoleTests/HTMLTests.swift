// SPDX-License-Identifier: Apache-2.0

import Console
import FleetProtocol
import Testing

@Suite struct HTMLTests {
    @Test func `what is put into a page is text, whatever it looks like`() {
        let said = "<script>alert(\"1\")</script> & 'x' \u{202e}\u{1b}[31m"
        let part: HTML = "<p title=\"\(said)\">\(said)</p>"
        #expect(
            part.markup == """
                <p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; \u{fffd}\u{fffd}[31m">\
                &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; \u{fffd}\u{fffd}[31m</p>
                """)
    }

    @Test func `markup that is put into markup stays markup`() {
        let rows: [HTML] = [1, 22].map { "<td>\($0)</td>" }
        let none: HTML? = nil
        let all: HTML = "<tr>\(rows)\(none)</tr>"
        #expect(all.markup == "<tr><td>1</td><td>22</td></tr>")
    }

    @Test func `coordinates are written to a hundredth`() {
        let line: HTML = "\(1.0) \(0.005) \(-2.5) \(1234.567)"
        #expect(line.markup == "1.00 0.01 -2.50 1234.57")
    }

    @Test func `a page names its title, who looks at it, and only what they may do`() {
        let viewer = Viewer(
            name: "ada", mayRollOut: false, mayReadAudit: false, mayManageHosts: false, mayManageTokens: false,
            mayCreateTokens: false)
        var overview = Overview()
        overview.reasons = [.init(.bad, "debian@7 is paused: error-threshold", "/rollouts/3")]
        let page = ConsolePage.overview(overview, for: viewer).html(for: viewer)
        #expect(page.contains("<title>Overview · Drover</title>") && page.contains("<span>ada</span>"))
        #expect(page.contains("BLOCKED (1)") && page.contains("href=\"/rollouts/3\""))
        #expect(!page.contains("/audit") && !page.contains("/access"))
        // Nothing is loaded from elsewhere, and nothing stands inline that a policy would have to allow.
        for word in ["http://", "https://", " style=", "<style", "onclick", "javascript:"] {
            let own = page.replacing("http://www.w3.org/2000/svg", with: "")
            #expect(!own.contains(word), "\(word)")
        }
    }
}
