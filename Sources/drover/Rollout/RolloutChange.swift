// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

/// What every command that steers a rollout has in common.
struct RolloutChange: ParsableArguments {
    @Option(help: ArgumentHelp("Your words for the rollout's log.", valueName: "text"))
    var reason: String?

    @OptionGroup var request: RequestKeyOption
    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    /// Has the tracker do it, and shows how the rollout is afterwards.
    func carryOut(
        _ command: RolloutCommandRequest.Command, _ rollout: UInt64, host: String? = nil, seconds: Int? = nil
    ) async throws {
        let wanted = RolloutCommandRequest(command, host: host, seconds: seconds, reason: reason)
        let status = try await asker.client().command(wanted, to: rollout, key: request.key)
        switch output.format {
        case .json: try OutputOptions.json(status)
        case .table: Terminal.data(RolloutText.line(status))
        }
    }
}

/// The rollout that a command is about.
struct RolloutNumber: ParsableArguments {
    @Argument(help: ArgumentHelp("The rollout's number; `drover rollout list` shows them.", valueName: "number"))
    var number: UInt64
}

struct RolloutPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let no further host activate.",
        discussion: "Hosts that are in the middle of it finish, and fetching goes on. Pausing twice is pausing once.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.pause, rollout.number) }
}

struct RolloutResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on after a pause.",
        discussion: "The failures so far are taken as seen; they do not stop the rollout a second time.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.resume, rollout.number) }
}

struct RolloutPromote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "The canaries are well: go on with the waves.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.promote, rollout.number) }
}

struct RolloutApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let a rollout begin that somebody else started with --approval.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.approve, rollout.number) }
}

struct RolloutReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject",
        abstract: "Have a rollout that waits for approval never begin.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.reject, rollout.number) }
}

struct RolloutExtend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend",
        abstract: "Give a host, or the rollout's present phase, more time.",
        discussion: "  drover rollout extend 12 web-17 --by 30m")
    @OptionGroup var rollout: RolloutNumber
    @Argument(help: ArgumentHelp("The host. (default: the phase)", valueName: "host"))
    var host: String?
    @Option(help: ArgumentHelp("How much more, such as 30m.", valueName: "time"))
    var by: DurationText
    @OptionGroup var change: RolloutChange
    func run() async throws {
        try await change.carryOut(.extend, rollout.number, host: host, seconds: by.seconds)
    }
}

struct RolloutRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Have hosts that failed try again: one, or all of them.",
        discussion: """
            One that is named may also have gone back from this version: it then takes it off its deny list.

              drover rollout retry 12           all that failed or ran out of time
              drover rollout retry 12 web-17
            """)
    @OptionGroup var rollout: RolloutNumber
    @Argument(help: ArgumentHelp("The host. (default: all that failed)", valueName: "host"))
    var host: String?
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.retry, rollout.number, host: host) }
}

struct RolloutSkip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Go on without a host.",
        discussion: "It no longer counts as failed, and `rollout retry` takes it in again.")
    @OptionGroup var rollout: RolloutNumber
    @Argument(help: ArgumentHelp("The host.", valueName: "host"))
    var host: String
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.skip, rollout.number, host: host) }
}

struct RolloutExclude: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exclude",
        abstract: "Take a host out of a rollout for good.",
        discussion:
            "As `rollout skip`, but it is an intention and no exception: the rollout can still succeed as a whole.")
    @OptionGroup var rollout: RolloutNumber
    @Argument(help: ArgumentHelp("The host.", valueName: "host"))
    var host: String
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.exclude, rollout.number, host: host) }
}

struct RolloutRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Have every host of a rollout go back to the version it had.",
        discussion: """
            At once, without waves; also after the rollout has ended. The hosts put the version on their deny lists. New \
            clones come of the version before; clones of the bad one stay until you reset, refresh or remove them.
            """)
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.rollback, rollout.number) }
}

struct RolloutAbort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "End a rollout where it is.",
        discussion: "Nothing more is begun and nothing is undone: hosts that have the new version active keep it.")
    @OptionGroup var rollout: RolloutNumber
    @OptionGroup var change: RolloutChange
    func run() async throws { try await change.carryOut(.abort, rollout.number) }
}
