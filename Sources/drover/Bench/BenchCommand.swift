// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `drover bench`: what this host can do, measured.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what this host can do.",
        subcommands: [BenchClones.self])
}
