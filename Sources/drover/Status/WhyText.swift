// SPDX-License-Identifier: Apache-2.0

import Amounts
import Diagnosis
import PeerService

/// What holds masters back, in words.
enum WhyText {
    static func screen(_ report: WhyReport) -> String {
        guard !report.entries.isEmpty else { return "nothing is being fetched here, and no rollout wants anything" }
        return report.entries.map(entry).joined(separator: "\n\n")
    }

    private static func entry(_ entry: WhyReport.Entry) -> String {
        var lines = ["\(entry.master): \(entry.diagnosis.cause.rawValue)"]
        lines.append("  \(entry.diagnosis.finding)")
        if let advice = entry.diagnosis.advice { lines.append("  \(advice)") }
        guard entry.size > 0 else { return lines.joined(separator: "\n") }
        var progress = "\(ByteText(entry.bytesVerified)) of \(ByteText(entry.size)), \(ByteText(entry.downloadRate))/s"
        if let eta = entry.eta { progress += ", \(EtaText(eta)) left" }
        lines.append("  \(progress)")
        let origins = entry.origins.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        if !origins.isEmpty {
            lines.append("  from: " + origins.map { "\($0.key) \(ByteText($0.value))" }.joined(separator: ", "))
        }
        let figures = entry.diagnosis.figures.map { "\($0.name) \(words($0))" }
        if !figures.isEmpty { lines.append("  figures: " + figures.joined(separator: ", ")) }
        return lines.joined(separator: "\n")
    }

    private static func words(_ figure: Diagnosis.Figure) -> String {
        switch figure.unit {
        case "B": "\(ByteText(figure.value))"
        case "B/s": "\(ByteText(figure.value))/s"
        case "": "\(Int64(exactly: figure.value.rounded()) ?? 0)"
        default: "\(Int64(exactly: figure.value.rounded()) ?? 0) \(figure.unit)"
        }
    }
}

/// A time that is not known exactly: `40 s to 1 min 20 s`.
struct EtaText: CustomStringConvertible {
    let description: String

    init(_ range: TimeRange) {
        let (least, most) = (SpanText(seconds: Double(range.least)), SpanText(seconds: Double(range.most)))
        description = range.least == range.most ? "\(least)" : "\(least) to \(most)"
    }
}
