// SPDX-License-Identifier: Apache-2.0

import Amounts
import Diagnosis
import Testing

@Suite struct DiagnosisTests {
    /// A fetch at 100 MiB/s from three peers, with nothing used up.
    private func cause(_ change: (inout FetchEvidence) -> Void) -> Bottleneck {
        var evidence = FetchEvidence(remaining: 1 << 30, free: 1 << 40)
        evidence.rate = Double(100 << 20)
        (evidence.peers, evidence.holders, evidence.servers) = (3, 3, 2)
        evidence.missingPieces = 100
        evidence.trackers = [.answering]
        change(&evidence)
        let diagnosis = Diagnosis(evidence)
        #expect(diagnosis.finding.hasSuffix("."), "\(diagnosis.finding)")
        #expect(diagnosis.advice.map { $0.hasSuffix(".") } ?? true, "\(diagnosis)")
        #expect(diagnosis.figures.contains { $0.name == "rate" && $0.value == evidence.rate })
        return diagnosis.cause
    }

    @Test func `without a reason here the others decide`() {
        #expect(cause { _ in } == .sources)
    }

    @Test func `what keeps everything from coming comes first`() {
        #expect(cause { $0.free = 1 << 20 } == .noSpace)
        #expect(cause { ($0.free, $0.peers) = (1 << 20, 0) } == .noSpace)
        #expect(cause { $0.holders = 0 } == .noSources)
        #expect(cause { ($0.holders, $0.cap) = (0, 1) } == .noSources)
        #expect(cause { $0.servers = 0 } == .choked)
    }

    @Test func `without peers the tracker is to blame only when none answers`() {
        func alone(_ trackers: [FetchEvidence.TrackerState]) -> Bottleneck {
            cause { evidence in
                (evidence.peers, evidence.holders, evidence.servers, evidence.rate) = (0, 0, 0, 0)
                evidence.trackers = trackers
            }
        }
        #expect(alone([.answering]) == .noSources)
        #expect(alone([.failing("it is silent"), .answering]) == .noSources)
        #expect(alone([.failing("it is silent"), .waiting]) == .tracker)
        #expect(alone([.waiting]) == .starting)
        #expect(alone([]) == .noSources)
        // Peers that are there need no tracker.
        #expect(cause { $0.trackers = [.failing("it is silent")] } == .sources)
    }

    @Test func `the lower of two caps is the one that holds`() {
        let mebibyte = Double(1 << 20)
        #expect(cause { $0.cap = 105 * mebibyte } == .cap)
        #expect(cause { $0.cap = 300 * mebibyte } == .sources)
        #expect(cause { ($0.cap, $0.stagingCap) = (200 * mebibyte, 101 * mebibyte) } == .stagingCap)
        #expect(cause { ($0.cap, $0.stagingCap) = (101 * mebibyte, 200 * mebibyte) } == .cap)
    }

    @Test func `a host that does not keep up is told from one that gets little`() {
        #expect(cause { ($0.disk, $0.hashing) = (0.7, 0.2) } == .disk)
        #expect(cause { ($0.disk, $0.hashing) = (0.3, 0.6) } == .hashing)
        #expect(cause { ($0.disk, $0.isBackedUp) = (0.4, true) } == .disk)
        #expect(cause { ($0.disk, $0.hashing) = (0.3, 0.2) } == .sources)
        #expect(cause { $0.link = 125_000_000 } == .network)
        #expect(cause { $0.link = 1_250_000_000 } == .sources)
    }

    @Test func `spans are said in two units at most`() {
        let words = [0, 0.2, 8, 260, 3600, 7500, 90_000, 86_400, 3_600_001, .infinity].map {
            SpanText(seconds: $0).description
        }
        #expect(
            words == [
                "0 s", "1 s", "8 s", "4 min 20 s", "1 h", "2 h 5 min", "1 d 1 h", "1 d", "41 d 16 h", "long",
            ])
    }
}
