// SPDX-License-Identifier: Apache-2.0

/// Everything a benchmark measured, and what follows from it; also its JSON. Times are seconds, lengths bytes, rates
/// bytes or operations a second.
package struct BenchReport: Equatable, Codable, Sendable {
    package struct Settings: Equatable, Codable, Sendable {
        package var size: Int64
        /// The longest time of one case.
        package var seconds: Int
        package var repetitions: Int
        package var clones: Int
        /// What the order of the subjects is shuffled by.
        package var seed: UInt32
        /// Whether disks are measured inside guests, and else through an export.
        package var inGuest: Bool

        package init(
            size: Int64, seconds: Int, repetitions: Int, clones: Int, seed: UInt32, inGuest: Bool = false
        ) {
            self.size = size
            self.seconds = seconds
            self.repetitions = repetitions
            self.clones = clones
            self.seed = seed
            self.inGuest = inGuest
        }
    }

    /// One case of one subject.
    package struct Figure: Equatable, Codable, Sendable {
        package let ioCase: IOCase
        /// One for each repetition, in order.
        package let values: [Double]
        package let spread: Spread
        /// Each value by that of the raw file in the same repetition; absent for the raw file itself.
        package let ratios: [Double]?

        private enum CodingKeys: String, CodingKey {
            case ioCase = "case"
            case values, spread, ratios
        }
    }

    package struct Subject: Equatable, Codable, Sendable {
        package let name: String
        package let title: String
        package let isClone: Bool
        /// Whether a fresh clone uses the master's blocks; absent for what is no clone.
        package let sharesBlocks: Bool?
        /// How long the first clone of a master took, with what all its clones share: the median.
        package let firstCreation: Double?
        /// How long each further one took.
        package let creation: CreationTimes?
        /// What a fresh clone takes for itself; absent for devices, and where the file system does not say.
        package let bytes: Int64?
        package let figures: [Figure]
        /// Why nothing was read or written.
        package let obstacle: String?

        package func figure(_ ioCase: IOCase) -> Figure? { figures.first { $0.ioCase == ioCase } }

        /// What it keeps of the raw file's speed: for each repetition the geometric mean over all cases.
        package var overall: Spread? {
            let ratios = figures.compactMap(\.ratios)
            guard ratios.count == IOCase.allCases.count, let least = ratios.map(\.count).min() else { return nil }
            return Spread((0..<least).compactMap { repetition in ratios.map { $0[repetition] }.geometricMean })
        }
    }

    /// How many processes wanted to run in the minute before a repetition, and in the last minute of it, in which the
    /// benchmark's own are among them.
    package struct Load: Equatable, Codable, Sendable {
        package let before: Double
        package let after: Double

        package init(before: Double, after: Double) {
            self.before = before
            self.after = after
        }
    }

    /// A backend that this host cannot offer, or that failed.
    package struct Absent: Equatable, Codable, Sendable {
        package let name: String
        package let reason: String
        package let fix: String?

        package init(name: String, reason: String, fix: String?) {
            self.name = name
            self.reason = reason
            self.fix = fix
        }
    }

    /// When it began, such as `2026-11-26 16:52 UTC`.
    package let date: String
    package let machine: MachineDescription
    package let settings: Settings
    /// Of each repetition, in order.
    package let loads: [Load]
    /// The guests in which disks were measured.
    package let guest: GuestDescription?
    package let subjects: [Subject]
    package let absent: [Absent]
    package let recommendation: Recommendation

    package init(
        date: String, machine: MachineDescription, guest: GuestDescription?, settings: Settings, loads: [Load],
        subjects: [Subject], absent: [Absent]
    ) {
        self.date = date
        self.machine = machine
        self.settings = settings
        self.loads = loads
        self.guest = guest
        self.subjects = subjects
        self.absent = absent
        recommendation = Recommendation(
            subjects: subjects, guest: guest, loads: loads, processors: machine.processors)
    }
}

/// What was measured so far, by subject.
package struct Measurements: Sendable {
    package var firstCreation: [Double] = []
    /// Those of each repetition.
    package var creation: [[Double]] = []
    package var bytes: Int64?
    package var sharesBlocks: Bool?
    package var values: [IOCase: [Double]] = [:]

    package init() {}
}

extension BenchReport.Subject {
    /// - Parameter reference: what was measured of the raw file; `nil` for that itself.
    package init(_ subject: BenchSubject, _ measured: Measurements, reference: Measurements?) {
        name = subject.word
        title = subject.title
        isClone = subject.isClone
        sharesBlocks = measured.sharesBlocks
        firstCreation = Spread(measured.firstCreation)?.median
        creation = CreationTimes(measured.creation)
        bytes = measured.bytes
        obstacle = subject.obstacle
        figures = IOCase.allCases.compactMap { ioCase in
            guard let values = measured.values[ioCase], let spread = Spread(values) else { return nil }
            let ratios = reference?.values[ioCase].map { zip(values, $0).map { $0 / $1 } }
            return BenchReport.Figure(ioCase: ioCase, values: values, spread: spread, ratios: ratios)
        }
    }
}
