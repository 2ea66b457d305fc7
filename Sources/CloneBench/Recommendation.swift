// SPDX-License-Identifier: Apache-2.0

/// What follows from a benchmark's figures, and from nothing else. One backend is ahead of another when every
/// repetition of it was better than every one of the other; otherwise this run does not tell them apart.
package struct Recommendation: Equatable, Codable, Sendable {
    /// The backend to use, or `nil` when the run gives no reason for any.
    package let backend: String?
    /// Full sentences, the advice first.
    package let sentences: [String]

    package init(subjects: [BenchReport.Subject], repetitions: Int, load: Double, processors: Int) {
        let ranked = Self.ranked(subjects.filter { $0.sharesBlocks == true })
        var sentences: [String] = []
        var choice: Ranked?
        if let first = ranked.first {
            let level = repetitions < 2 ? ranked : ranked.filter { !first.overall.isClearlyAbove($0.overall) }
            let best = level.min { $0.creation.p50 < $1.creation.p50 } ?? first
            choice = best
            sentences.append("Use \(best.name) on this host, as far as speed decides.")
            sentences.append(Self.ranking(ranked))
            sentences.append(Self.reason(best, among: ranked, level: level, repetitions: repetitions))
            sentences += Self.exceptions(to: best, among: ranked, repetitions: repetitions)
            sentences += Self.copies(subjects, against: best)
        } else {
            sentences.append("No backend that shares the master's blocks was measured, so none is recommended.")
        }
        if Set(ranked.compactMap(\.subject.path)).count > 1 {
            sentences.append(
                "Files and devices were reached in different ways, so that this ranking tells little between the two kinds."
            )
        }
        sentences += Self.exportCost(subjects)
        for subject in subjects {
            if let obstacle = subject.obstacle, subject.creation != nil {
                sentences.append("\(subject.title) was made, but reading and writing is \(obstacle).")
            }
        }
        if load > Double(processors) / 2 {
            sentences.append(
                "Others worked on this host (load \(FigureText.fixed(load, decimals: 1)) on \(processors) "
                    + "processor\(processors == 1 ? "" : "s")); run it again when it is quiet.")
        }
        backend = choice?.name
        self.sentences = sentences
    }

    private struct Ranked {
        let subject: BenchReport.Subject
        let overall: Spread
        let creation: CreationTimes

        var name: String { subject.name }
    }

    private static func ranked(_ subjects: [BenchReport.Subject]) -> [Ranked] {
        subjects.compactMap { subject in
            guard let overall = subject.overall, let creation = subject.creation else { return nil }
            return Ranked(subject: subject, overall: overall, creation: creation)
        }.sorted { $0.overall.median > $1.overall.median }
    }

    private static func ranking(_ ranked: [Ranked]) -> String {
        let list = ranked.map { "\($0.name) \(FigureText.ratio($0.overall))" }.joined(separator: ", ")
        return "Of the speed of a raw file reached in the same way, over all cases, clones keep: \(list)."
    }

    private static func reason(_ best: Ranked, among ranked: [Ranked], level: [Ranked], repetitions: Int) -> String {
        guard ranked.count > 1 else { return "It is the only one that was measured." }
        guard level.count > 1 else {
            return "\(best.name) is ahead of the others in every one of the \(repetitions) repetitions."
        }
        let others = level.filter { $0.name != best.name }
        let names = others.map(\.name).joined(separator: " and ")
        let times = others.map { "\($0.name) \(FigureText.time($0.creation.p50))" }.joined(separator: ", ")
        let why = repetitions < 2 ? "One repetition shows no spread, so" : "Over all cases"
        return "\(why) \(best.name) and \(names) are not told apart; \(best.name) is made fastest "
            + "(p50 \(FigureText.time(best.creation.p50)), \(times))."
    }

    /// The cases in which another one is ahead.
    private static func exceptions(to best: Ranked, among ranked: [Ranked], repetitions: Int) -> [String] {
        guard repetitions > 1 else { return [] }
        return ranked.filter { $0.name != best.name }.compactMap { other in
            let cases: [String] = IOCase.allCases.compactMap { ioCase in
                guard let mine = best.subject.figure(ioCase), let theirs = other.subject.figure(ioCase),
                    let mineRatio = mine.ratios.flatMap({ Spread($0) }),
                    let theirRatio = theirs.ratios.flatMap({ Spread($0) }), theirRatio.isClearlyAbove(mineRatio)
                else { return nil }
                return "\(ioCase.title) (\(FigureText.rate(theirs.spread.median, of: ioCase)) against "
                    + "\(FigureText.rate(mine.spread.median, of: ioCase)))"
            }
            return cases.isEmpty ? nil : "\(other.name) is ahead of it in \(cases.joined(separator: ", "))."
        }
    }

    /// What a clone that shares nothing would gain and cost.
    private static func copies(_ subjects: [BenchReport.Subject], against best: Ranked) -> [String] {
        ranked(subjects.filter { $0.sharesBlocks == false }).map { copy in
            let verdict =
                copy.overall.isClearlyAbove(best.overall)
                ? "is ahead of \(best.name)" : "is not ahead of \(best.name) in every repetition"
            let bytes = copy.subject.bytes.map { " and \(FigureText.bytes($0))" } ?? ""
            return "\(copy.name), which shares nothing, keeps \(FigureText.ratio(copy.overall)) and \(verdict); each "
                + "took \(FigureText.time(copy.creation.p50))\(bytes)."
        }
    }

    /// What the way of measuring files takes by itself.
    private static func exportCost(_ subjects: [BenchReport.Subject]) -> [String] {
        guard let served = subjects.first(where: { $0.name == BenchSubject.rawFile.word }),
            let bare = subjects.first(where: { $0.name == BenchSubject.bareFile.word })
        else { return [] }
        let ratios = IOCase.allCases.compactMap { ioCase in
            served.figure(ioCase).flatMap { served in
                bare.figure(ioCase).map { served.spread.median / $0.spread.median }
            }
        }
        guard let mean = ratios.geometricMean, let spread = Spread(ratios) else { return [] }
        return [
            "Through the export a raw file keeps \(FigureText.ratio(mean)) of its speed without it "
                + "(\(FigureText.ratio(spread.min)) to \(FigureText.ratio(spread.max)) by case), so figures of files "
                + "and of devices do not compare: what the export costs is on both sides of a file's ratio, which so comes "
                + "nearer to 1."
        ]
    }
}
