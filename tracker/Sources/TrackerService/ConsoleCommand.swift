// SPDX-License-Identifier: Apache-2.0

import FleetProtocol

/// What can be done with a rollout at the console. The raw values are those of the API.
enum ConsoleCommand: String, CaseIterable {
    case start, approve, reject, pause, resume, promote, retry, rollback, abort

    var title: String {
        switch self {
        case .start: "Start"
        case .approve: "Approve"
        case .reject: "Reject"
        case .pause: "Pause"
        case .resume: "Resume"
        case .promote: "Promote"
        case .retry: "Retry what failed in"
        case .rollback: "Roll back"
        case .abort: "Abort"
        }
    }

    /// What it comes to, a sentence each, with the figures of this rollout.
    func consequences(_ rollout: RolloutStatusDocument) -> [String] {
        func hosts(_ states: String...) -> Int { states.reduce(0) { $0 + (rollout.hosts[$1] ?? 0) } }
        let moved = hosts("activating", "probing", "soaking", "healthy", "failed", "timed-out")
        let clones = rollout.clones.values.reduce(0, +)
        let all = rollout.hosts.values.reduce(0, +)
        return switch self {
        case .start, .approve:
            [
                "\(all) hosts fetch \(rollout.master) and activate it in \(rollout.waves.count) waves, the canaries first."
            ]
        case .reject: ["The rollout ends; no host has been told of it."]
        case .pause:
            [
                "Nothing new is activated. \(hosts("activating", "probing", "soaking")) hosts that are in the middle of it end what they began.",
                "Fetching goes on: what is staged need not be fetched later.",
            ]
        case .resume:
            [
                "It goes on where it stopped, with wave \(rollout.wave + 1) of \(rollout.waves.count).",
                "Failures that stopped it are tolerated from now on.",
            ]
        case .promote:
            [
                "Wave 2 of \(rollout.waves.count) begins; \(hosts("staged", "staging", "verifying", "pending")) hosts are still to come."
            ]
        case .retry:
            ["\(hosts("failed", "timed-out")) hosts that failed, and those that had no space, try it again."]
        case .rollback:
            [
                "Up to \(moved) hosts go back to the version that they had before, at once, and deny \(rollout.master) from then on.",
                "\(clones) clones hang on versions of this line on these hosts; all of them keep running as they are. New clones are of the version before.",
            ]
        case .abort:
            [
                "Nothing more is staged or activated. \(moved) hosts that have been told to activate stay as they are.",
                "To take them back as well, roll back instead.",
            ]
        }
    }
}
