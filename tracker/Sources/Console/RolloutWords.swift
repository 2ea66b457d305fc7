// SPDX-License-Identifier: Apache-2.0

import FleetProtocol

/// What is said of rollouts in several places.
enum RolloutWords {
    /// What happens next, and when.
    static func next(_ rollout: RolloutStatusDocument) -> HTML {
        if let pause = rollout.pause {
            let explanation: HTML = pause.explanation.map { ": \($0)" } ?? .nothing
            let way: HTML =
                switch pause.code.rawValue {
                case "canary-gate": "The canaries are well; it goes on when somebody promotes it"
                case "window-closed": "It goes on by itself when the window opens"
                default: "It goes on when somebody resumes it"
                }
            return "\(way). Paused by \(pause.by) since \(HTML.time(pause.since))\(explanation)."
        }
        if rollout.phase.isOver { return "It is over since \(HTML.time(rollout.since))." }
        let by: HTML = rollout.nextBy.map { " The next decision falls by \(HTML.time($0))." } ?? .nothing
        let words: HTML =
            switch rollout.phase.rawValue {
            case "planned": "It waits to be started."
            case "awaiting-approval": "It waits for somebody else to approve it."
            case "scheduled": "It begins to stage."
            case "staging": "Hosts fetch and verify; then the canaries are activated."
            case "canary": "The canaries are tried; then wave 2 begins."
            case "rolling": "Wave \(rollout.wave + 1) of \(rollout.waves.count) is activated."
            case "rolling-back": "Every host that may have the version goes back."
            default: "\(rollout.phase.rawValue)."
            }
        return "\(words)\(by)"
    }

    /// Failed and blocked hosts by reason, the most frequent first.
    static func failures(_ rollout: RolloutStatusDocument) -> HTML {
        func items(_ counts: [String: Int], _ level: Level) -> [HTML] {
            counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { code, count in
                "<li><a href=\"/rollouts/\(rollout.rollout)#failures\">\(HTML.tag(level, "\(count) × \(code)"))</a></li>"
            }
        }
        let all = items(rollout.failures, .bad) + items(rollout.blocked, .attention)
        return all.isEmpty ? .nothing : "<ul class=\"legend\">\(all)</ul>"
    }

    /// What can be done, each by way of a page that says first what it comes to.
    /// - Parameter few: only what matters most.
    static func actions(_ rollout: RolloutStatusDocument, _ viewer: Viewer, few: Bool) -> HTML {
        guard viewer.mayRollOut else { return .nothing }
        var names: [(command: String, word: String)] = []
        let phase = rollout.phase.rawValue
        switch phase {
        case "planned": names = [("start", "Start"), ("abort", "Abort")]
        case "awaiting-approval": names = [("approve", "Approve"), ("reject", "Reject"), ("abort", "Abort")]
        case "scheduled", "staging", "canary", "rolling":
            let isGate = rollout.pause?.code.rawValue == "canary-gate"
            names = [rollout.pause == nil ? ("pause", "Pause") : isGate ? ("promote", "Promote") : ("resume", "Resume")]
            names.append(("rollback", "Roll back"))
            if !few {
                if rollout.pause == nil || !isGate, phase == "canary" { names.append(("promote", "Promote")) }
                names += [("retry", "Retry what failed"), ("abort", "Abort")]
            }
        case "succeeded", "succeeded-with-exceptions", "aborted", "superseded":
            names = few ? [] : [("rollback", "Roll back")]
        default: break
        }
        let links: [HTML] = names.enumerated().map { place, action in
            "<a class=\"button\(place == 0 ? " main" : "")\" href=\"/rollouts/\(rollout.rollout)/\(action.command)\">\(action.word)</a>"
        }
        return links.isEmpty ? .nothing : "<p class=\"actions\">\(links)</p>"
    }
}
