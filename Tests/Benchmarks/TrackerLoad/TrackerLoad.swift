// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TrackerProtocol

/// `tracker-load`: announces for many made-up peers to a tracker on this host, and counts.
@main
struct TrackerLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tracker-load",
        abstract: "Announces for many made-up peers to a tracker on this host.",
        discussion: """
            udp and http announce as fast as answers come, with a number of announces under way; herd starts hosts within \
            a second, whatever the tracker does. fleet fills a database. Only loopback addresses are taken.
            """,
        subcommands: [Datagrams.self, Requests.self, Herd.self, MadeUpFleet.self])

    /// What every load has.
    struct Target: ParsableArguments {
        @Argument(
            help: "The tracker's address and port, on loopback.",
            transform: { text in
                guard let address = PeerAddress(parsing: text), address.isLoopback, address.port != 0 else {
                    throw ValidationError("'\(text)' is no loopback address with a port; write it like 127.0.0.1:6969")
                }
                return address
            })
        var address: PeerAddress

        @Option(help: "The tracker's process, to count its processor time and memory.")
        var pid: Int32?

        @Option(help: "Swarms that the peers are spread over; their info-hashes are 01…, 02… and so on.")
        var swarms = 1

        @Option(help: "Peers asked for with each announce.")
        var wanted = 50

        func validate() throws {
            guard (1...200).contains(swarms) else { throw ValidationError("--swarms must be from 1 to 200") }
            guard (0...200).contains(wanted) else { throw ValidationError("--wanted must be from 0 to 200") }
        }
    }

    /// How long, and how much at once.
    struct Amount: ParsableArguments {
        @Option(help: "Seconds to go on for.")
        var seconds = 5

        @Option(help: "Announces under way at once.")
        var window = 64

        @Option(help: "Made-up peers.")
        var peers = 10_000

        func validate() throws {
            guard (1...60).contains(seconds) else { throw ValidationError("--seconds must be from 1 to 60") }
            guard (1...4096).contains(window) else { throw ValidationError("--window must be from 1 to 4096") }
            guard (1...60_000).contains(peers) else { throw ValidationError("--peers must be from 1 to 60000") }
        }
    }

    struct Datagrams: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "udp", abstract: "Announces over UDP (BEP 15).")
        @OptionGroup var target: Target
        @OptionGroup var amount: Amount

        func run() throws {
            var load = try DatagramLoad(target.address, window: amount.window)
            let crowd = Crowd(peers: amount.peers, swarms: target.swarms, wanted: target.wanted)
            let meter = try ProcessMeter(target.pid)
            let result = try load.run(crowd, seconds: amount.seconds)
            print("UDP: \(try meter.rate(of: result.answers, in: result.seconds)); \(result.lost) lost")
        }
    }

    struct Requests: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "http", abstract: "Announces over HTTP, each on a connection of its own.")
        @OptionGroup var target: Target
        @OptionGroup var amount: Amount
        @Flag(help: "Go on on the same connections.") var keepAlive = false

        func run() throws {
            let crowd = Crowd(peers: amount.peers, swarms: target.swarms, wanted: target.wanted)
            let load = try RequestLoad(target.address, crowd, keepsAlive: keepAlive)
            let meter = try ProcessMeter(target.pid)
            let result = try load.run(window: amount.window, seconds: amount.seconds)
            print("HTTP: \(try meter.rate(of: result.latencies.count, in: result.seconds)); \(result.failures) failed")
        }
    }

    struct Herd: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts hosts within one second, each with one announce over HTTP for each swarm.")
        @OptionGroup var target: Target
        @Option(help: "Hosts that start.") var hosts = 10_000

        func validate() throws {
            guard (1...20_000).contains(hosts) else { throw ValidationError("--hosts must be from 1 to 20000") }
        }

        func run() throws {
            let crowd = Crowd(peers: hosts, swarms: 1, wanted: target.wanted)
            let load = try RequestLoad(target.address, crowd, keepsAlive: false)
            let meter = try ProcessMeter(target.pid)
            var random = SystemRandomNumberGenerator()
            let starts = (0..<hosts).map { _ in Duration.milliseconds(Int.random(in: 0..<1000, using: &random)) }
            let result = try load.run(starts: starts.sorted(), seconds: 60)
            let latencies = result.latencies.sorted()
            guard let longest = latencies.last else { throw LoadError("no announce was answered") }
            func part(_ part: Double) -> Int { milliseconds(latencies[Int(Double(latencies.count - 1) * part)]) }
            print(
                "herd: \(latencies.count) of \(hosts) answered, \(result.failures) failed; p50 \(part(0.5)) ms, "
                    + "p99 \(part(0.99)) ms, longest \(milliseconds(longest)) ms; \(try meter.memory())")
        }

        private func milliseconds(_ duration: Duration) -> Int {
            Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
        }
    }
}

/// Why there is nothing to measure.
struct LoadError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// With the system's word for what went wrong last.
    static func system(_ what: String) -> LoadError { LoadError("\(what): \(String(cString: strerror(errno)))") }
}
