// SPDX-License-Identifier: Apache-2.0

import CloneBench

/// A benchmark as a terminal shows it.
struct BenchText: CustomStringConvertible {
    private let report: BenchReport

    init(_ report: BenchReport) { self.report = report }

    var description: String {
        ([creation, figures].map(\.description) + [absent, report.recommendation.sentences.joined(separator: "\n")])
            .filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var creation: Table {
        Table(
            columns: ["clones", "made", "p50", "p99", "min", "max", "medians", "first one", "takes"],
            rows: report.subjects.compactMap { subject in
                guard let times = subject.creation else { return nil }
                return [subject.title, "\(times.count)"]
                    + [times.p50, times.p99, times.min, times.max].map { FigureText.time($0) }
                    + ["\(FigureText.time(times.medians.min)) to \(FigureText.time(times.medians.max))"]
                    + [subject.firstCreation.map { FigureText.time($0) } ?? "?"]
                    + [subject.bytes.map { FigureText.bytes($0) } ?? "?"]
            })
    }

    private var figures: Table {
        let rows = IOCase.allCases.flatMap { ioCase in
            report.subjects.enumerated().map { index, subject -> [String] in
                let name = index == 0 ? ioCase.title : ""
                guard let figure = subject.figure(ioCase) else {
                    return [name, subject.title, index > 0 ? "not measured" : ""]
                }
                let ratio = figure.ratios.flatMap { Spread($0) }
                return [
                    name, subject.title, FigureText.rate(figure.spread.median, of: ioCase),
                    FigureText.rate(figure.spread.min, of: ioCase), FigureText.rate(figure.spread.max, of: ioCase),
                    ratio.map { FigureText.ratio($0) } ?? "",
                ]
            }
        }
        return Table(columns: ["case", "disk", "median", "min", "max", "by the raw file"], rows: rows)
    }

    private var absent: String {
        report.absent.map { absent in
            "\(absent.name) was not measured: \(absent.reason)" + (absent.fix.map { "; \($0)" } ?? "")
        }.joined(separator: "\n")
    }
}
