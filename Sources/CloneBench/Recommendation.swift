// SPDX-License-Identifier: Apache-2.0

/// What follows from a benchmark's figures, and from nothing else. One backend is ahead of another when every
/// repetition of it was better than every one of the other; otherwise this run does not tell them apart.
package struct Recommendation: Equatable, Codable, Sendable {
    /// The backends to use: several when the run does not tell them apart, none when it gives no reason for any.
    package let backends: [String]
    /// Full sentences, the advice first.
    package let sentences: [String]

    package init(
        subjects: [BenchReport.Subject], guest: GuestDescription?, loads: [BenchReport.Load], processors: Int
    ) {
        let ranked = Self.ranked(subjects.filter { $0.sharesBlocks == true })
        // Nobody is ahead of these.
        let level = ranked.filter { one in !ranked.contains { $0.overall.isClearlyAbove(one.overall) } }
        let best = level.filter { one in !level.contains { $0.isMadeFaster(than: one) } }
        var sentences: [String] = []
        if let first = best.first {
            let names = Self.list(best.map(\.name), "or")
            sentences.append("Use \(names) on this host, as far as speed decides.")
            sentences.append(Self.ranking(ranked))
            sentences.append(Self.reason(best, level: level, among: ranked))
            if best.count == 1 { sentences += Self.exceptions(to: first, among: ranked) }
            sentences += Self.copies(subjects, against: best)
        } else {
            sentences.append("No backend that shares the master's blocks was measured, so none is recommended.")
        }
        sentences += Self.bareSpeed(subjects)
        for subject in subjects {
            if let obstacle = subject.obstacle, subject.creation != nil {
                sentences.append("\(subject.title) was made, but reading and writing is \(obstacle).")
            }
        }
        if let guest, let obstacle = guest.obstacle {
            sentences.append(
                "KVM does not work here, so the guests were all emulated, and what that takes is in every figure and hides "
                    + "differences (\(obstacle)).")
        }
        if let load = loads.first?.before, load > Double(processors) / 2 {
            sentences.append(
                "Others worked on this host (load \(FigureText.fixed(load, decimals: 1)) on \(processors) "
                    + "processor\(processors == 1 ? "" : "s") before it began); run it again when it is quiet.")
        }
        backends = best.map(\.name)
        self.sentences = sentences
    }

    private struct Ranked {
        let subject: BenchReport.Subject
        let overall: Spread
        let creation: CreationTimes

        var name: String { subject.name }

        func isMadeFaster(than other: Ranked) -> Bool {
            other.creation.medians.isClearlyAbove(creation.medians)
        }
    }

    /// `a, b or c`
    private static func list(_ words: [String], _ last: String) -> String {
        guard let end = words.last, words.count > 1 else { return words.first ?? "" }
        return "\(words.dropLast().joined(separator: ", ")) \(last) \(end)"
    }

    private static func ranked(_ subjects: [BenchReport.Subject]) -> [Ranked] {
        subjects.compactMap { subject in
            guard let overall = subject.overall, let creation = subject.creation else { return nil }
            return Ranked(subject: subject, overall: overall, creation: creation)
        }.sorted { $0.overall.median > $1.overall.median }
    }

    private static func ranking(_ ranked: [Ranked]) -> String {
        let list = ranked.map { "\($0.name) \(FigureText.ratio($0.overall))" }.joined(separator: ", ")
        return "Of the raw file's speed, over all cases, clones keep: \(list)."
    }

    private static func reason(_ best: [Ranked], level: [Ranked], among ranked: [Ranked]) -> String {
        guard ranked.count > 1 else { return "It is the only one that was measured." }
        guard level.count > 1 else {
            return "\(list(best.map(\.name), "or")) is ahead of the others in every repetition."
        }
        let names = list(level.map(\.name), "and")
        let times = level.map { "\($0.name) \(FigureText.time($0.creation.medians))" }.joined(separator: ", ")
        let why = level[0].overall.count < 2 ? "One repetition shows no spread, so" : "Over all cases"
        let made =
            best.count == level.count
            ? "nor in how fast they are made"
            : best.count == 1
                ? "but \(best[0].name) is made faster in every repetition"
                : "and none is made faster than \(list(best.map(\.name), "or")) in every repetition"
        return "\(why) \(names) are not told apart, \(made) (medians: \(times))."
    }

    /// The cases in which another one is ahead.
    private static func exceptions(to best: Ranked, among ranked: [Ranked]) -> [String] {
        ranked.filter { $0.name != best.name }.compactMap { other in
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
    private static func copies(_ subjects: [BenchReport.Subject], against best: [Ranked]) -> [String] {
        let names = list(best.map(\.name), "or")
        return ranked(subjects.filter { $0.sharesBlocks == false }).map { copy in
            let verdict =
                best.allSatisfy { copy.overall.isClearlyAbove($0.overall) }
                ? "is ahead of \(names)" : "is not ahead of \(names) in every repetition"
            let bytes = copy.subject.bytes.map { " and \(FigureText.bytes($0))" } ?? ""
            return "\(copy.name), which shares nothing, keeps \(FigureText.ratio(copy.overall)) and \(verdict); each "
                + "took \(FigureText.time(copy.creation.p50))\(bytes)."
        }
    }

    /// What the export takes by itself, from every disk alike.
    private static func bareSpeed(_ subjects: [BenchReport.Subject]) -> [String] {
        guard let bare = subjects.first(where: { $0.name == BenchSubject.bareFile.word })?.overall else { return [] }
        return [
            "Without the export the raw file has \(FigureText.ratio(bare)) of its speed through it; what is ranked here went "
                + "through it all."
        ]
    }
}
