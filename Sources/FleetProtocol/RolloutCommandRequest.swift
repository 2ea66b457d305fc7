// SPDX-License-Identifier: Apache-2.0

/// What an operator sends to `POST /api/v1/rollouts/NUMBER/commands`.
package struct RolloutCommandRequest: Codable, Equatable, Sendable {
    package struct Command: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package static let start = Self(rawValue: "start")
        package static let approve = Self(rawValue: "approve")
        package static let reject = Self(rawValue: "reject")
        package static let pause = Self(rawValue: "pause")
        package static let resume = Self(rawValue: "resume")
        package static let promote = Self(rawValue: "promote")
        /// Of one host when one is named, else of all that failed.
        package static let retry = Self(rawValue: "retry")
        package static let skip = Self(rawValue: "skip")
        package static let exclude = Self(rawValue: "exclude")
        package static let rollback = Self(rawValue: "rollback")
        package static let abort = Self(rawValue: "abort")
        package static let extend = Self(rawValue: "extend")
        package static let known = [
            start, approve, reject, pause, resume, promote, retry, skip, exclude, rollback, abort, extend,
        ]
    }

    package var version = FleetVersion.current
    package var command: Command
    package var host: String?
    /// For `extend`: how much more time.
    package var seconds: Int?
    /// The operator's words for the log.
    package var reason: String?

    package init(_ command: Command, host: String? = nil, seconds: Int? = nil, reason: String? = nil) {
        self.command = command
        self.host = host
        self.seconds = seconds
        self.reason = reason
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        command = try container.decode(Command.self, forKey: .command)
        try container.check(command.isKnown, .command, "is a command that this program does not know")
        host = container.contains(.host) ? try container.host(.host) : nil
        seconds = try container.numberIfPresent(.seconds, 1...604_800)
        reason = try container.textIfPresent(.reason)
    }
}
