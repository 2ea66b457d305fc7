// SPDX-License-Identifier: Apache-2.0

/// What is done in which order. Within a stage of one repetition all subjects follow one another, shuffled anew each time,
/// so that what changes on the host meanwhile, a cache that warms up or a neighbour, favours none of them.
package struct BenchPlan: Sendable {
    /// What happens to one fresh disk.
    package enum Stage: Sendable {
        /// Clones are made and removed; nothing is read or written.
        case creation
        case sequentialRead
        case randomRead
        case sequentialWrite
        case randomWrite
        /// All cases in one boot of a guest, first touches before what would touch the same blocks.
        case guest

        /// Those of a benchmark, in order.
        package static func all(inGuest: Bool) -> [Stage] {
            inGuest ? [.creation, .guest] : [.creation, .sequentialRead, .randomRead, .sequentialWrite, .randomWrite]
        }

        package var title: String {
            switch self {
            case .creation: "making clones"
            case .sequentialRead: "sequential read"
            case .randomRead: "random read"
            case .sequentialWrite: "sequential write"
            case .randomWrite: "random write"
            case .guest: "a guest on it"
            }
        }

        package var cases: [IOCase] {
            switch self {
            case .creation: []
            case .sequentialRead: [.sequentialRead]
            case .randomRead: [.randomReadFirst, .randomReadAgain]
            case .sequentialWrite: [.sequentialWrite]
            case .randomWrite: [.randomWriteFirst, .randomWriteAgain]
            case .guest:
                [
                    .randomReadFirst, .randomReadAgain, .sequentialRead, .randomWriteFirst, .randomWriteAgain,
                    .sequentialWrite,
                ]
            }
        }
    }

    package struct Step: Equatable, Sendable {
        package let repetition: Int
        package let stage: Stage
        package let subject: BenchSubject
        /// How many clones are made, in the stage of creation.
        package let clones: Int
    }

    package let steps: [Step]

    /// - Parameter settings: with one repetition and one clone or more.
    package init(subjects: [BenchSubject], settings: BenchReport.Settings) {
        let (repetitions, clones) = (settings.repetitions, settings.clones)
        var order = ShuffledOrder(seed: settings.seed)
        var steps: [Step] = []
        for repetition in 0..<repetitions {
            let share = clones * (repetition + 1) / repetitions - clones * repetition / repetitions
            for stage in Stage.all(inGuest: settings.inGuest) {
                let taking = subjects.filter { stage == .creation ? $0.isClone : $0.obstacle == nil }
                for subject in taking.shuffled(using: &order) {
                    steps.append(
                        Step(
                            repetition: repetition, stage: stage, subject: subject,
                            clones: stage == .creation ? share : 0))
                }
            }
        }
        self.steps = steps
    }

    /// The first half of the master is data, in whole MiB; the rest is a hole.
    package static func dataLength(of size: Int64) -> Int64 { size / 2 / mebibyte * mebibyte }
    private static let mebibyte: Int64 = 1 << 20

    /// What the benchmark may take on the disk at once, and some more: the raw file, the master's data, a sparse file or a
    /// clone written all over, and a guest's own file system.
    package static func space(for settings: BenchReport.Settings) -> Int64 {
        let (bytes, isTooMuch) = settings.size.multipliedReportingOverflow(by: 3)
        let more: Int64 = (settings.inGuest ? 320 : 64) * mebibyte
        return isTooMuch || bytes > .max - more ? .max : bytes + more
    }
}

/// The same numbers for the same seed (SplitMix64).
private struct ShuffledOrder: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt32) { state = UInt64(seed) }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
