// SPDX-License-Identifier: Apache-2.0

/// A benchmark as one page of HTML that needs nothing else: no script, no font, no picture from outside.
package struct BenchPage: Sendable {
    private let report: BenchReport

    package init(_ report: BenchReport) { self.report = report }

    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Clones measured, \(HTML.escape(report.date))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <main>
        <h1>Clones measured</h1>
        <p class="lead">\(HTML.escape(report.date)) · \(HTML.escape(machine))</p>
        <section class="advice">
        \(report.recommendation.sentences.enumerated().map { index, sentence in
            index == 0 ? "<p><strong>\(HTML.escape(sentence))</strong></p>" : "<p>\(HTML.escape(sentence))</p>"
        }.joined(separator: "\n"))
        </section>
        <p class="key"><span class="clone">●</span> clones
        <span class="reference">●</span> for reference · the mark is the median, the line reaches from the least to the
        greatest of \(report.settings.repetitions) repetitions</p>
        \(panels.map(\.svg).joined(separator: "\n"))
        <h2>The figures</h2>
        \(creationTable)
        \(figureTable)
        \(absent)
        <h2>How it was measured</h2>
        <p>\(HTML.escape(method))</p>
        </main>
        </body>
        </html>

        """
    }

    private var machine: String {
        let machine = report.machine
        return
            "\(machine.processors) × \(machine.processor)\(machine.isVirtual ? ", a virtual machine" : ""), "
            + "\(FigureText.bytes(machine.memory)) memory, Linux \(machine.kernel), \(machine.fileSystem) on "
            + "\(machine.device), \(machine.fio), \(machine.qemu)"
            + (report.guest.map { ", guests with Linux \($0.kernel) under \($0.acceleration.uppercased())" } ?? "")
            + "; load before and after each repetition: \(loads)"
    }

    private var loads: String {
        report.loads.map { load in
            [load.before, load.after].map { FigureText.fixed($0, decimals: 1) }.joined(separator: " and ")
        }.joined(separator: ", ")
    }

    private var method: String {
        let settings = report.settings
        return
            "A master of \(FigureText.bytes(settings.size)), its first half random data and its second half a hole. "
            + (settings.inGuest
                ? "Disks are read and written by fio with direct I/O inside a guest of qemu, as virtio disks with "
                    + "cache=none; one boot does all cases."
                : "Disks are read and written by fio through qemu-storage-daemon over NBD, with the page cache passed "
                    + "by (cache.direct, native AIO); those without export by fio itself with direct I/O.")
            + " Sequential: 256 KiB, 8 requests at once; random: 4 KiB, 16 at once. Reads and random writes go to the "
            + "half with the master's data, sequential writes to the empty half. Writes end with a flush, which counts. "
            + "Each case ends after \(settings.seconds) s or when its half is done; “again” repeats the same blocks on "
            + "the same clone. The subjects take turns, in an order shuffled anew each time (seed \(settings.seed)). "
            + "Creation is the time from the request until the clone is durable, \(settings.clones) times, or fewer "
            + "where that took too long, beside one that is there; the first clone of a master also makes what all share."
    }

    // MARK: Panels

    private var panels: [ChartPanel] {
        [
            creation,
            panel("Sequential read", "MiB/s", [.sequentialRead]),
            panel("Sequential write", "MiB/s", [.sequentialWrite]),
            panel(
                "Random read of 4 KiB: first touch (filled) and the same blocks again (hollow)",
                "operations a second", [.randomReadFirst, .randomReadAgain]),
            panel(
                "Random write of 4 KiB: first touch (filled) and the same blocks again (hollow)",
                "operations a second", [.randomWriteFirst, .randomWriteAgain]),
        ].filter { !$0.rows.isEmpty }
    }

    private var creation: ChartPanel {
        ChartPanel(
            title: "Making a clone: median, least and greatest; the 99th percentile in words",
            axis: "time; each line is ten times the one before",
            rows: report.subjects.compactMap { subject in
                guard let times = subject.creation, let spread = Spread([times.min, times.p50, times.max]) else {
                    return nil
                }
                let label =
                    "\(FigureText.time(times.p50)), p99 \(FigureText.time(times.p99)), \(times.count) made"
                return ChartPanel.Row(
                    title: subject.title, isClone: true,
                    marks: [.init(spread: spread, isHollow: false, label: label)], note: nil)
            },
            isLogarithmic: true, tick: { FigureText.tick(time: $0) })
    }

    private func panel(_ title: String, _ axis: String, _ cases: [IOCase]) -> ChartPanel {
        let unit = cases.contains(where: \.countsBytes) ? 1_048_576.0 : 1
        return ChartPanel(
            title: title, axis: axis,
            rows: report.subjects.map { subject in
                let marks = cases.enumerated().compactMap { index, ioCase -> ChartPanel.Mark? in
                    guard let spread = subject.figure(ioCase)?.spread else { return nil }
                    let scaled = [spread.min, spread.median, spread.max].map { $0 / unit }
                    return Spread(scaled).map { .init(spread: $0, isHollow: index > 0, label: Self.label($0)) }
                }
                return ChartPanel.Row(
                    title: subject.title, isClone: subject.isClone, marks: marks,
                    note: marks.isEmpty ? subject.obstacle ?? "not measured" : nil)
            },
            isLogarithmic: false, tick: { FigureText.digits(whole: $0) })
    }

    private static func label(_ spread: Spread) -> String {
        "\(FigureText.digits(spread.median)) (\(FigureText.digits(spread.min)) to \(FigureText.digits(spread.max)))"
    }

    // MARK: Table

    private var creationTable: String {
        Self.table(
            ["made", "", "p50", "p99", "least", "greatest", "the first one", "takes"],
            report.subjects.compactMap { subject in
                guard let times = subject.creation else { return nil }
                return [subject.title, "\(times.count)"]
                    + [times.p50, times.p99, times.min, times.max].map { FigureText.time($0) }
                    + [
                        subject.firstCreation.map { FigureText.time($0) } ?? "–",
                        subject.bytes.map { FigureText.bytes($0) } ?? "–",
                    ]
            })
    }

    private var figureTable: String {
        Self.table(
            ["read and written (medians)"]
                + IOCase.allCases.map { "\($0.title), \($0.countsBytes ? "MiB/s" : "/s")" }
                + ["of the raw file’s speed"],
            report.subjects.map { subject in
                [subject.title]
                    + IOCase.allCases.map { ioCase in
                        subject.figure(ioCase).map {
                            FigureText.digits($0.spread.median / (ioCase.countsBytes ? 1_048_576 : 1))
                        } ?? "–"
                    } + [subject.overall.map { FigureText.ratio($0) } ?? "–"]
            })
    }

    private static func table(_ heads: [String], _ rows: [[String]]) -> String {
        guard !rows.isEmpty else { return "" }
        return """
            <div class="scroll"><table>
            <thead>\(row(heads, as: "th"))</thead>
            <tbody>
            \(rows.map { row($0, as: "td") }.joined(separator: "\n"))
            </tbody>
            </table></div>
            """
    }

    private static func row(_ cells: [String], as element: String) -> String {
        "<tr>" + cells.map { "<\(element)>\(HTML.escape($0))</\(element)>" }.joined() + "</tr>"
    }

    private var absent: String {
        guard !report.absent.isEmpty else { return "" }
        let items = report.absent.map { absent in
            "<li>\(HTML.escape(absent.name)): \(HTML.escape(absent.reason))"
                + (absent.fix.map { "; \(HTML.escape($0))" } ?? "") + "</li>"
        }
        return "<h2>Not measured here</h2>\n<ul>\n\(items.joined(separator: "\n"))\n</ul>"
    }

    private static let style = """
        :root { --paper: #fcfcfa; --ink: #20242a; --faint: #5f6670; --line: #dfe1e4; --clone: #0b62c4; \
        --reference: #8a8f97; --panel: #f1f3f5; }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #15181c; --ink: #e4e7ea; --faint: #9aa2ac; --line: #2f353c; --clone: #6db3ff; \
        --reference: #868d96; --panel: #1d2227; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); \
        font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
        main { max-width: 900px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
        h2 { font-size: 19px; margin: 40px 0 12px; }
        .lead, .key { color: var(--faint); font-size: 14px; }
        .advice { background: var(--panel); border-left: 4px solid var(--clone); border-radius: 4px; \
        padding: 12px 20px; margin: 24px 0; }
        .advice p { margin: 6px 0; }
        figure { margin: 36px 0 0; }
        figcaption { font-weight: 600; margin-bottom: 8px; }
        svg { display: block; width: 100%; height: auto; font-size: 13px; }
        svg text { fill: var(--ink); }
        svg .tick, svg .axis, svg .note, svg .reference { fill: var(--faint); }
        svg .note { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; }
        svg .tick, svg .axis { font-size: 12px; }
        svg .value { font-variant-numeric: tabular-nums; }
        svg .grid { stroke: var(--line); stroke-width: 1; }
        svg .mark line { stroke: var(--reference); stroke-width: 2; }
        svg .mark circle { fill: var(--reference); stroke: var(--reference); stroke-width: 2; }
        svg .mark.clone line { stroke: var(--clone); }
        svg .mark.clone circle { fill: var(--clone); stroke: var(--clone); }
        svg .mark.hollow circle { fill: var(--paper); }
        .key .clone { color: var(--clone); }
        .key .reference { color: var(--reference); margin-left: 10px; }
        .scroll { overflow-x: auto; margin-bottom: 20px; }
        table { border-collapse: collapse; min-width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
        th, td { padding: 6px 9px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th { white-space: normal; vertical-align: bottom; color: var(--faint); font-weight: 600; }
        th:first-child, td:first-child { text-align: left; padding-left: 0; font-weight: 600; }
        """
}
