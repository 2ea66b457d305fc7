// SPDX-License-Identifier: Apache-2.0

import Amounts
import PeerService
import Synchronization

/// Shows how far a request has come: redrawn in place on a terminal, a line every ten seconds elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var shownAt = ContinuousClock.now
        var phase = ""
        var startedAt = ContinuousClock.now
        var startedWith: Int64 = 0
    }

    private let isQuiet: Bool
    private let state = Mutex(State())

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// A step of a long request.
    func show(_ progress: HostProgress) {
        guard progress.total > 0 else { return }
        let percent = Int(Double(progress.done) / Double(progress.total) * 100)
        let rate = rate(progress)
        let figures =
            progress.total == 1000
            ? ""
            : " (\(ByteText(progress.done)) of \(ByteText(progress.total))\(rate.map { ", \(ByteText($0))/s" } ?? ""))"
        show("\(progress.phase): \(percent) %\(figures)")
    }

    /// Any other line, such as the state of a fetch.
    func show(_ line: String) {
        guard !isQuiet else { return }
        // What is over in a moment needs no progress, so the first line has to wait as well.
        let interval = Terminal.isInteractive ? Duration.milliseconds(100) : .seconds(10)
        let isDue = state.withLock { state in
            if state.shownAt.duration(to: .now) < interval { return false }
            state.shownAt = .now
            return true
        }
        guard isDue else { return }
        if Terminal.isInteractive { Terminal.draw(line) } else { Terminal.note(line) }
    }

    /// Nothing more will come.
    func end() { Terminal.erase() }

    private func rate(_ progress: HostProgress) -> Int64? {
        state.withLock { state in
            if state.phase != progress.phase {
                state.phase = progress.phase
                state.startedAt = .now
                state.startedWith = progress.done
            }
            let (seconds, attoseconds) = state.startedAt.duration(to: .now).components
            let elapsed = Double(seconds) + Double(attoseconds) * 1e-18
            return elapsed > 0.5 ? Int64(Double(progress.done - state.startedWith) / elapsed) : nil
        }
    }
}
