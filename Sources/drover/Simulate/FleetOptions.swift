// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo
import PeerService
import Simulator

/// The fleet that `drover simulate` makes up.
struct FleetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Hosts, seeds included.", valueName: "count"))
    var hosts = 20

    @Option(help: ArgumentHelp("Hosts that have the image at the start.", valueName: "count"))
    var seeds = 1

    @Option(help: ArgumentHelp("The image's size: 512M, 4G, or bytes.", valueName: "size"))
    var size = SizeText(1 << 30)

    @Option(
        help: ArgumentHelp(
            "Bytes in a piece; a power of two from 16K. (default: from the image's size)", valueName: "size"))
    var pieceLength: SizeText?

    @Option(
        help: ArgumentHelp(
            "How many of the image's bytes travel as one block: a power of two from 16K to a piece. The more, the coarser and sooner done. (default: from the hosts and the image's size)",
            valueName: "size"))
    var grain: SizeText?

    @Option(help: ArgumentHelp("What each host sends and receives: 1G, 200M bits a second.", valueName: "rate"))
    var rate = "1G"

    @Option(help: ArgumentHelp("One-way delay between two hosts, in milliseconds.", valueName: "ms"))
    var delay = 0.2

    @Option(help: ArgumentHelp("Racks the hosts stand in, one after another.", valueName: "count"))
    var racks = 1

    @Option(
        help: ArgumentHelp(
            "What each rack's link to the others carries. (default: as much as is sent)", valueName: "rate"))
    var rackRate: String?

    @Flag(help: "Do not tell the tracker who stands in which rack.")
    var untoldRacks = false

    @Option(help: ArgumentHelp("How many in a hundred hosts have a tenth of the rate.", valueName: "percent"))
    var slow = 0.0

    @Option(
        help: ArgumentHelp("How many in a hundred hosts lose power before they have the image.", valueName: "percent"))
    var dying = 0.0

    @Option(help: ArgumentHelp("How many in a hundred hosts serve wrong bytes.", valueName: "percent"))
    var lying = 0.0

    @Option(help: ArgumentHelp("How many in a hundred hosts start half way through.", valueName: "percent"))
    var late = 0.0

    @Option(help: ArgumentHelp("Decides who gives trouble, and everything random besides.", valueName: "number"))
    var seed: UInt64 = 1

    func validate() throws {
        guard (2...10_000).contains(hosts) else { throw ValidationError("--hosts must be from 2 to 10000") }
        guard (1..<hosts).contains(seeds) else {
            throw ValidationError("--seeds must be at least 1, and fewer than --hosts")
        }
        guard (1...1000).contains(racks) else { throw ValidationError("--racks must be from 1 to 1000") }
        guard (0...10_000).contains(delay) else { throw ValidationError("--delay must be from 0 to 10000 ms") }
        guard [slow, dying, lying, late].allSatisfy({ (0...90).contains($0) }) else {
            throw ValidationError("--slow, --dying, --lying and --late are percentages from 0 to 90")
        }
    }

    /// - Throws: a usage failure for a rate or a piece length that cannot be.
    func plan() throws -> FleetPlan {
        let length = pieceLength.map { Int($0.bytes) } ?? PieceGeometry.preferredPieceLength(forSize: size.bytes)
        guard let geometry = PieceGeometry(size: size.bytes, pieceLength: length) else {
            throw HostFailure(.usage, "an image of \(size.bytes) bytes cannot have pieces of \(length) bytes")
        }
        var plan = FleetPlan(geometry: geometry)
        plan.hosts = hosts
        plan.grain = try grain(geometry)
        plan.seeds = seeds
        plan.rate = try Self.bytes(rate, "--rate")
        plan.delay = .seconds(delay / 1000)
        plan.racks = racks
        plan.tellsRacks = !untoldRacks
        plan.rackLink = try rackRate.map { try Self.bytes($0, "--rack-rate") }
        (plan.slow, plan.dying, plan.lying, plan.late) = (slow / 100, dying / 100, lying / 100, late / 100)
        plan.seed = seed
        return plan
    }

    /// - Throws: a usage failure for a grain that cannot be.
    private func grain(_ geometry: PieceGeometry) throws -> Int {
        guard let grain else { return FleetPlan.preferredGrain(hosts: hosts, geometry: geometry) }
        guard PieceGeometry.isValid(pieceLength: Int(grain.bytes)), grain.bytes <= geometry.pieceLength else {
            throw HostFailure(
                .usage, "--grain must be a power of two from 16K to a piece's length of \(geometry.pieceLength) bytes")
        }
        return Int(grain.bytes)
    }

    private static func bytes(_ text: String, _ option: String) throws -> Double {
        guard let bits = RateText(text)?.bitsPerSecond else {
            throw HostFailure(.usage, "\(option) must be a rate such as 1G or 200M bits a second, not '\(text)'")
        }
        return Double(bits) / 8
    }
}
