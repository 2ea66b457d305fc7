// SPDX-License-Identifier: Apache-2.0

import Exposition
import Testing

@Suite struct ExpositionTests {
    @Test func `numbers are written with their names, kinds and labels`() {
        let text = Exposition.text(of: [
            .gauge("free_bytes", "free space", 12_345_678_901),
            .counter("shed_total", "turned away", by: "protocol", [("http", 3), ("udp", 0)]),
            .gauge("hosts", "hosts", by: ("line", "state"), [("debian", "staged", 0.25)]),
            .gauge("unknown", "nothing is known", nil),
        ])
        #expect(
            text == """
                # HELP free_bytes free space
                # TYPE free_bytes gauge
                free_bytes 12345678901
                # HELP shed_total turned away
                # TYPE shed_total counter
                shed_total{protocol="http"} 3
                shed_total{protocol="udp"} 0
                # HELP hosts hosts
                # TYPE hosts gauge
                hosts{line="debian",state="staged"} 0.25
                # HELP unknown nothing is known
                # TYPE unknown gauge

                """)
    }

    @Test func `what would end a label or a line is written so that it does not`() {
        let text = Exposition.text(of: [.gauge("a", "one\\two\nthree \"four\"", by: "b", [("\"c\\d\ne", .infinity)])])
        #expect(
            text == """
                # HELP a one\\\\two\\nthree "four"
                # TYPE a gauge
                a{b="\\"c\\\\d\\ne"} +Inf

                """)
    }

    @Test func `the steps of a histogram count those below them too`() {
        var histogram = Histogram(bounds: [0.001, 0.25])
        histogram.observe(0.001, times: 2)
        histogram.observe(0.125)
        histogram.observe(8)
        histogram.observe(.nan)
        histogram.observe(1, times: 0)
        let text = Exposition.text(of: [.histogram("t_seconds", "time", by: "p", [("udp", histogram)])])
        #expect(
            text == """
                # HELP t_seconds time
                # TYPE t_seconds histogram
                t_seconds_bucket{p="udp",le="0.001"} 2
                t_seconds_bucket{p="udp",le="0.25"} 3
                t_seconds_bucket{p="udp",le="+Inf"} 4
                t_seconds_sum{p="udp"} 8.127
                t_seconds_count{p="udp"} 4

                """)
    }
}
