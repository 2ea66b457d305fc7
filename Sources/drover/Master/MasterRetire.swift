// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import PeerService

struct MasterRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "Use a master no more, and let it go when the last clone of it is gone.",
        discussion: """
            A retired master is not what a bare NAME means and is not activated; it stays readable for the clones that \
            there are, which are named. `drover master activate` takes it back.
            """)

    @Argument(help: ArgumentHelp("The masters, NAME@VERSION each.", valueName: "master"), completion: LiveNames.masters)
    var masters: [String]

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var reports: [MasterReport] = []
        for master in masters {
            guard case .master(let report) = try await store.ask(.mark(MasterReference(master), .retired)) else {
                throw HostFailure.unexpectedReply
            }
            reports.append(report)
        }
        try output.print(
            reports, columns: ["master", "clones that keep it"],
            rows: reports.map {
                [
                    "\($0.name)@\($0.version)",
                    $0.clones.isEmpty ? "none: `drover master prune` removes it" : $0.clones.joined(separator: ", "),
                ]
            })
    }
}

struct MasterPin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep masters whatever `drover master prune` is told.")

    @Argument(help: ArgumentHelp("The masters, NAME@VERSION each.", valueName: "master"), completion: LiveNames.masters)
    var masters: [String]

    @OptionGroup var store: StoreOptions

    func run() async throws {
        for master in masters { _ = try await store.ask(.mark(MasterReference(master), .pinned)) }
    }
}

struct MasterUnpin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Let `drover master prune` remove masters again.")

    @Argument(help: ArgumentHelp("The masters, NAME@VERSION each.", valueName: "master"), completion: LiveNames.masters)
    var masters: [String]

    @OptionGroup var store: StoreOptions

    func run() async throws {
        for master in masters { _ = try await store.ask(.mark(MasterReference(master), .unpinned)) }
    }
}

struct MasterPrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove masters that nothing needs: those retired, and the oldest beyond a quota.",
        discussion: """
            Never removed are masters that clones depend on, pinned ones, the active version of a line and those it could \
            go back to, and of other than retired ones the newest of each line and what its bare name means. See first what would go:

              drover master prune --quota 200G --dry-run
            """)

    @Option(help: ArgumentHelp("The most that masters may take on disk, such as 200G.", valueName: "size"))
    var quota: SizeText?

    @Flag(help: "Only show what would go.")
    var dryRun = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .pruned(let report) = try await store.ask(.pruneMasters(quota: quota?.bytes, dryRun: dryRun)) else {
            throw HostFailure.unexpectedReply
        }
        try output.print(
            report, columns: ["master", "frees", "why"],
            rows: report.removed.map { ["\($0.master)", "\(ByteText($0.bytes))", $0.cause] })
        if !output.quiet {
            for wait in report.waiting { Terminal.note("\(wait.master) is retired and stays: \(wait.reason)") }
            for problem in report.problems { Terminal.note("warning: \(problem)") }
        }
        if dryRun { Terminal.note("nothing was removed") }
        if report.excess > 0 {
            throw HostFailure(
                .partial,
                "the masters still take \(ByteText(report.excess)) more than --quota: all that is left is needed; "
                    + "remove clones, unpin or retire masters, or raise the quota")
        }
        if !report.problems.isEmpty { throw HostFailure(.partial, "some masters could not be removed") }
    }
}
