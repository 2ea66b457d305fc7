// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import PeerService
import Simulator

/// `drover simulate`: a rollout on a made-up fleet, with the decisions of real peers.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Try a rollout on a made-up fleet: how long it takes, and what hosts that give trouble cost.",
        discussion: """
            Runs the decisions of real peers under virtual time, on links of the rates you name: nothing is sent and no \
            file is made. The same options give the same result each time; --seed gives another one.

              drover simulate --hosts 50 --size 4G --rate 10G
              drover simulate --hosts 40 --racks 4 --rack-rate 10G
              drover simulate --hosts 20 --lying 30
              drover simulate --hosts 2600 --size 3G --rate 2400M --chart fleet.svg

            The bound is the least time that the rates allow: each host must receive the whole image, the seeds must \
            send all of it, and what all hosts receive must leave some host. With --lying it also runs the same fleet \
            without liars, and says what they cost.
            """)

    @OptionGroup(title: "Fleet") var fleet: FleetOptions

    @Option(
        help: ArgumentHelp(
            "Run a small random world with faults, as the tests do, instead of a fleet. A failing test names its number.",
            valueName: "number"))
    var world: UInt64?

    @Option(
        help: ArgumentHelp(
            "Run the decisions about a rollout on a small random fleet with faults instead. A failing test names its number.",
            valueName: "number"))
    var rollout: UInt64?

    @Option(
        help: ArgumentHelp("Write what happens into this file, one line per event.", valueName: "file"),
        completion: .file())
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "Draw into this file how many hosts had the image, and how much all of them had, over time: an SVG picture.",
            valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var chart: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard world == nil || rollout == nil else {
            throw ValidationError("--world and --rollout are two different simulations: give one of them.")
        }
        guard chart == nil || rollout == nil else {
            throw ValidationError("--chart shows how an image spreads, of which --rollout simulates nothing.")
        }
    }

    func run() async throws {
        if let rollout { return try simulateRollout(rollout) }
        var scenario = try scenario()
        if trace != nil { scenario.traceLimit = 5_000_000 }
        let outcome = try simulate(scenario, "simulating")
        if let trace { try write(outcome.trace.lines, dropped: outcome.trace.droppedLines, to: trace) }
        var clean: Outcome?
        if world == nil, scenario.hosts.contains(where: { $0.lies > 0 }) {
            for number in scenario.hosts.indices { scenario.hosts[number].lies = 0 }
            scenario.traceLimit = 0
            let honest = try simulate(scenario, "simulating the same without liars")
            // Beside a run that did not end well no time says anything.
            guard honest.verdict == .completed else {
                throw HostFailure(
                    .failed, "the fleet without liars failed: \(SimulationReport(honest, clean: nil).outcome)")
            }
            clean = honest
        }
        if let chart { try write(CompletionChart(outcome).svg, to: chart) }
        let report = SimulationReport(outcome, clean: clean)
        try output.print(report, fields: report.fields)
        if outcome.verdict != .completed {
            throw HostFailure(.failed, "the simulated rollout failed: \(report.outcome)")
        }
    }

    private func scenario() throws -> Scenario {
        guard let world else { return try fleet.plan().scenario }
        guard let scenario = Scenario.random(seed: world) else { throw HostFailure(.usage, "there is no such world") }
        return scenario
    }

    private func simulate(_ scenario: Scenario, _ what: String) throws -> Outcome {
        let line = ProgressLine(isQuiet: output.quiet)
        defer { line.end() }
        return try World.run(scenario) { time, have, want in
            try Task.checkCancellation()
            line.show("\(what): \(have * 100 / max(1, want)) % after \(SimulationReport.words(time)) of its time")
        }
    }

    private func simulateRollout(_ seed: UInt64) throws {
        var scenario = FleetScenario.random(seed: seed)
        if trace != nil { scenario.traceLimit = 5_000_000 }
        let outcome = try FleetWorld.run(scenario)
        if let trace { try write(outcome.trace, dropped: 0, to: trace) }
        let report = RolloutSimulationReport(outcome)
        try output.print(report, fields: report.fields)
        guard outcome.isAsPromised else {
            throw HostFailure(.failed, "the simulated rollout failed: \(report.outcome)")
        }
    }

    private func write(_ trace: [String], dropped: Int, to path: String) throws {
        var text = trace.joined(separator: "\n") + "\n"
        if dropped > 0 { text += "… and \(dropped) lines more\n" }
        try write(text, to: path)
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try PosixFiles().replace(path, with: Array(text.utf8))
        } catch {
            throw HostFailure(error)
        }
    }
}
