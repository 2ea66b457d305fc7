// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import Metainfo
import PeerService

/// `drover why`: what a fetch waits for most.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract:
            "Say why a master is not here yet, or not on another host: the bottleneck, with the figures behind it.",
        discussion: """
              drover why                     everything that this host fetches, or that a rollout wants here
              drover why debian@7            one master on this host
              drover why web-17 debian       another host: what the newest rollout of the line waits for there

            The cause is one of: no-space, tracker, no-sources, choked, cap, staging-cap, disk, hashing, network, sources, \
            waiting, starting, stopped, nothing. This host is watched for a second before it is told, and it works with \
            every tracker down. Another host is asked about at the fleet's tracker, which needs --tracker and a token.
            """)

    @Argument(
        help: ArgumentHelp(
            "A master of this host, NAME or NAME@VERSION; or the name of another host and a master.",
            valueName: "host> <master"))
    var names: [String] = []

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard names.count <= 2 else { throw ValidationError("Name a host and a master at most.") }
    }

    func run() async throws {
        guard names.count < 2 else { return try await tellOfOther(names[0], try MasterReference(names[1])) }
        let reference = try names.first.map { try MasterReference($0) }
        guard case .why(let report) = try await store.ask(.why(reference), quiet: output.quiet) else {
            throw HostFailure.unexpectedReply
        }
        switch output.format {
        case .json: try OutputOptions.json(report)
        case .table: Terminal.data(WhyText.screen(report))
        }
    }

    /// What the tracker knows of another host.
    private func tellOfOther(_ host: String, _ master: MasterReference) async throws {
        let client = try asker.client()
        var place: String?
        repeat {
            let page = try await client.list(before: place, limit: 50)
            for entry in page.rollouts {
                guard let name = MasterName(entry.master), master.fits(name) else { continue }
                let why = try await client.why(entry.rollout, host)
                switch output.format {
                case .json: try OutputOptions.json(why)
                case .table: Terminal.data(RolloutText.why(why))
                }
                return
            }
            place = page.next
        } while place != nil
        throw HostFailure(.notFound, "no rollout is about \(master); “drover rollout list” shows those there are")
    }
}
