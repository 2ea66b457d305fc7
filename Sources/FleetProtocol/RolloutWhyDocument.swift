// SPDX-License-Identifier: Apache-2.0

/// Why a host is where it is in a rollout, and what it waits for.
package struct RolloutWhyDocument: Codable, Equatable, Sendable {
    package var version = FleetVersion.current
    package var rollout: UInt64
    package var host: String
    /// Its wave, from 0, which are the canaries.
    package var wave: Int
    package var state: String
    /// In words.
    package var explanation: String
    package var code: ReasonCode?
    package var attempt: Int
    package var since: String
    /// When it must have left this state.
    package var until: String?
    /// The hosts for which it waits, or which hold the slots; some of them when they are many.
    package var holders: [String]
    /// Where the log of a failure can be had.
    package var log: String?
    /// How far the host is with fetching the master, and what holds it up, as it last said; absent when it does not fetch it.
    package var fetch: HostActivity.Fetch?

    package init(
        rollout: UInt64, host: String, wave: Int, state: String, explanation: String, code: ReasonCode?, attempt: Int,
        since: String, until: String?, holders: [String], log: String?
    ) {
        self.rollout = rollout
        self.host = host
        self.wave = wave
        self.state = state
        self.explanation = explanation
        self.code = code
        self.attempt = attempt
        self.since = since
        self.until = until
        self.holders = holders
        self.log = log
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        rollout = try container.decode(UInt64.self, forKey: .rollout)
        host = try container.host(.host)
        wave = try container.number(.wave, 0...FleetLimits.waves, default: 0)
        state = try container.text(.state)
        explanation = try container.text(.explanation, limit: 16 << 10)
        code = try container.decodeIfPresent(ReasonCode.self, forKey: .code)
        attempt = try container.number(.attempt, 0...Int.max, default: 0)
        since = try container.text(.since)
        until = try container.textIfPresent(.until)
        holders = try container.list(.holders, limit: FleetLimits.page)
        log = try container.textIfPresent(.log)
        fetch = try container.decodeIfPresent(HostActivity.Fetch.self, forKey: .fetch)
    }
}
