// SPDX-License-Identifier: Apache-2.0

import Amounts

/// Why a master is not there faster: a cause, in words and with the figures behind it.
package struct Diagnosis: Codable, Equatable, Sendable {
    /// A number behind the words.
    package struct Figure: Codable, Equatable, Sendable {
        /// Stable, for programs; such as `rate`.
        package var name: String
        package var value: Double
        /// `B`, `B/s`, `s`, `%`, or nothing for what is counted.
        package var unit: String

        package init(_ name: String, _ value: Double, _ unit: String = "") {
            self.name = name
            self.value = value
            self.unit = unit
        }
    }

    package var cause: Bottleneck
    /// A sentence.
    package var finding: String
    /// What would help, a sentence; `nil` where nothing needs help.
    package var advice: String?
    package var figures: [Figure]

    package init(_ cause: Bottleneck, _ finding: String, advice: String? = nil, figures: [Figure] = []) {
        self.cause = cause
        self.finding = finding
        self.advice = advice
        self.figures = figures
    }

    /// What holds a fetch back that goes on.
    package init(_ evidence: FetchEvidence) {
        self = evidence.obstacle ?? evidence.limit ?? evidence.pace
        figures = evidence.figures
    }
}

extension FetchEvidence {
    /// A cap, a link or the threads count as the limit when so much of them is used.
    private static let enough = 0.8
    /// A link is never used as a whole: headers, acknowledgements and other hosts' traffic are on it too.
    private static let enoughOfLink = 0.7

    /// Why nothing can come, if so.
    var obstacle: Diagnosis? {
        if remaining > free {
            return Diagnosis(
                .noSpace, "\(ByteText(remaining)) are to come, and \(ByteText(free)) are free.",
                advice:
                    "Free \(ByteText(remaining - free)) on the store's file system: “drover master prune --dry-run” "
                    + "shows what nobody needs.")
        }
        if peers == 0 { return trackerTrouble ?? nobody }
        if holders == 0 {
            return Diagnosis(
                .noSources,
                "None of the \(peers) connected peers has any of the \(missingPieces) pieces that are missing.",
                advice: "Start a peer that has the whole master.")
        }
        if servers == 0 {
            return Diagnosis(
                .choked, "The \(holders) peers that have what is missing serve others first.",
                advice: "Wait: each serves a few at a time, and changes among them.")
        }
        return nil
    }

    private var trackerTrouble: Diagnosis? {
        let reasons = trackers.compactMap { if case .failing(let reason) = $0 { reason } else { nil } }
        guard let reason = reasons.first, !trackers.contains(.answering) else { return nil }
        return Diagnosis(
            .tracker, "No tracker answers, and no peer is connected: \(reason).",
            advice: "See whether the tracker runs and can be reached from here.")
    }

    private var nobody: Diagnosis {
        if trackers.contains(.waiting), !trackers.contains(.answering) {
            return Diagnosis(.starting, "The tracker has been asked for peers and has not answered yet.")
        }
        return Diagnosis(
            .noSources,
            "No peer is connected, and \(trackers.isEmpty ? "no tracker is named" : "the tracker knows none").",
            advice: trackers.isEmpty
                ? "Name a tracker with --tracker." : "Start a peer that has the master, and see that it can be reached."
        )
    }

    /// What of this host is used up, if anything.
    var limit: Diagnosis? {
        let caps = [(Bottleneck.cap, cap), (.stagingCap, stagingCap)].compactMap { cause, rate in
            rate.map { (cause, $0) }
        }
        if let (cause, cap) = caps.min(by: { $0.1 < $1.1 }), rate >= cap * Self.enough {
            return Diagnosis(
                cause,
                cause == .cap
                    ? "This host may receive \(ByteText(cap))/s, and receives \(ByteText(rate))/s."
                    : "What is staged for a rollout may take \(ByteText(cap))/s of the link, and takes \(ByteText(rate))/s.",
                advice: cause == .cap
                    ? "“drover limit --down off” takes the cap away."
                    : "A rollout with a greater --stage-rate takes more of the link.")
        }
        if isBackedUp || disk + hashing >= Self.enough {
            let (disk, hashing) = (Int(disk * 100), Int(hashing * 100))
            if disk >= hashing {
                return Diagnosis(
                    .disk, "The disk takes \(ByteText(rate))/s: \(disk) % of the time went into writing.",
                    advice: "See what else writes to the store's disk, or use a faster one.")
            }
            return Diagnosis(
                .hashing, "The processor hashes \(ByteText(rate))/s: \(hashing) % of the time went into it.",
                advice: "See what else keeps the processor busy.")
        }
        if let link, rate >= link * Self.enoughOfLink {
            return Diagnosis(
                .network, "This host's link carries \(ByteText(link))/s, and \(ByteText(rate))/s of the master come in."
            )
        }
        return nil
    }

    /// Nothing here is used up: what the others send decides.
    var pace: Diagnosis {
        Diagnosis(
            .sources,
            "\(servers) of \(holders) peers serve this host, with \(ByteText(rate))/s together; nothing here is used up.",
            advice: "What the others send, or the network between, decides: look at “drover why” there.")
    }

    var figures: [Diagnosis.Figure] {
        var figures: [Diagnosis.Figure] = [
            .init("rate", rate, "B/s"), .init("remaining", Double(remaining), "B"), .init("free", Double(free), "B"),
            .init("peers", Double(peers)), .init("holders", Double(holders)), .init("servers", Double(servers)),
            .init("missing-pieces", Double(missingPieces)), .init("unavailable-pieces", Double(unavailablePieces)),
            .init("disk", (disk * 100).rounded(), "%"), .init("hashing", (hashing * 100).rounded(), "%"),
        ]
        if let cap { figures.append(.init("cap", cap, "B/s")) }
        if let stagingCap { figures.append(.init("staging-cap", stagingCap, "B/s")) }
        if let link { figures.append(.init("link", link, "B/s")) }
        return figures
    }
}
