// SPDX-License-Identifier: Apache-2.0

import Amounts
import Simulator

/// What came of a simulated rollout, as JSON shows it. Times are seconds, lengths bytes.
struct SimulationReport: Encodable {
    let outcome: String
    let makespan: Double
    let bound: Double
    let makespanByBound: Double
    let p50: Double?
    let p99: Double?
    let p999: Double?
    let max: Double?
    let seedBytesByImage: Double
    let duplicateBytes: Int64
    let receivedBytes: Int64
    let rackCrossingBytes: Int64
    /// How often the image entered the rack that it entered most often; absent when nothing went between racks.
    let copiesIntoRack: Double?
    let bannedHosts: Int
    let grain: Int
    let events: Int
    /// How many times longer it took than the same fleet without liars; absent when nobody lies.
    let costOfLiars: Double?

    init(_ outcome: Outcome, clean: Outcome?) {
        self.outcome =
            switch outcome.verdict {
            case .completed: "completed"
            case .stuck(let hosts): "\(hosts.count) hosts never completed"
            case .wrong(let faults): faults.first ?? "a promise was broken"
            }
        makespan = outcome.makespan.inSeconds
        bound = outcome.bound.inSeconds
        makespanByBound = outcome.makespanRatio
        p50 = outcome.time(within: 0.5)?.inSeconds
        p99 = outcome.time(within: 0.99)?.inSeconds
        p999 = outcome.time(within: 0.999)?.inSeconds
        max = outcome.times.last?.inSeconds
        seedBytesByImage = outcome.seedRatio
        duplicateBytes = outcome.duplicateBytes
        receivedBytes = outcome.receivedBytes
        rackCrossingBytes = outcome.rackCrossingBytes
        copiesIntoRack = outcome.copiesIntoRack.values.max()
        bannedHosts = outcome.banned.count
        grain = outcome.grain
        events = outcome.eventCount
        costOfLiars = clean.map { outcome.makespan / Swift.max($0.makespan, .microseconds(1)) }
    }

    var fields: KeyValuePairs<String, String?> {
        [
            "outcome": outcome,
            "makespan": "\(Self.words(makespan)), \(Self.ratio(makespanByBound)) x the bound of \(Self.words(bound))",
            "per host": spread,
            "seeds sent": "\(Self.ratio(seedBytesByImage)) x the image",
            "duplicates": "\(ByteText(duplicateBytes)) of \(ByteText(receivedBytes)) received",
            "across racks": copiesIntoRack.map {
                "\(ByteText(rackCrossingBytes)), \(Self.ratio($0)) x the image into one rack at most"
            },
            "banned": bannedHosts > 0 ? "\(bannedHosts) hosts" : nil,
            "cost of liars": costOfLiars.map { "\(Self.ratio($0)) x the time without them" },
            "grain": grain > 16 * 1024 ? "\(ByteText(Int64(grain))) travel as one block" : nil,
            "events": "\(events)",
        ]
    }

    /// What hosts took; `nil` when none completed.
    private var spread: String? {
        guard let p50, let p99, let p999, let max else { return nil }
        let times = [("p50", p50), ("p99", p99), ("p99.9", p999), ("max", max)]
        return times.map { "\($0) \(Self.words($1))" }.joined(separator: ", ")
    }

    static func words(_ duration: Duration) -> String { words(duration.inSeconds) }

    private static func words(_ seconds: Double) -> String {
        let thousandths = Int((seconds * 1000).rounded())
        return seconds < 10
            ? "\(thousandths / 1000).\(padded(thousandths % 1000, 3)) s"
            : "\(thousandths / 1000).\(thousandths % 1000 / 100) s"
    }

    private static func ratio(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(padded(hundredths % 100, 2))"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}

extension Duration {
    fileprivate var inSeconds: Double { self / .seconds(1) }
}
