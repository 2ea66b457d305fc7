// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
// Named so that it is linked: Foundation's static library needs it and does not say so.
import Synchronization

/// `swarm-load`: what a fetch does most often, so many times, for a tool that counts instructions.
@main
struct SwarmLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm-load",
        abstract: "Does what a fetch does most often, so many times, to be counted or timed.",
        discussion: """
            Counted under callgrind with two counts, the difference is what the work itself takes, without the start of \
            the program.
            """,
        subcommands: [Picking.self, Coding.self, Hashing.self])

    /// How often.
    struct Amount: ParsableArguments {
        @Option(help: "How many times.")
        var count = 1000

        func validate() throws {
            guard (1...1_000_000).contains(count) else { throw ValidationError("--count must be from 1 to 1000000") }
        }
    }
}
