// SPDX-License-Identifier: Apache-2.0

import Simulator

/// What came of the decisions about a simulated rollout, as JSON shows it. Times are seconds.
struct RolloutSimulationReport: Encodable {
    let outcome: String
    let duration: Double
    let hosts: [String: Int]
    let events: Int
    let messages: Int

    init(_ outcome: FleetOutcome) {
        self.outcome = outcome.words
        duration = outcome.seconds
        hosts = outcome.counts
        events = outcome.log.count
        messages = outcome.messages
    }

    var fields: KeyValuePairs<String, String?> {
        [
            "outcome": outcome,
            "duration": SimulationReport.words(.seconds(duration)),
            "hosts": hosts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "),
            "events": "\(events)",
            "messages": "\(messages)",
        ]
    }
}
