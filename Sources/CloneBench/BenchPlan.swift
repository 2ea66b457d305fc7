// SPDX-License-Identifier: Apache-2.0

/// What is done in which order. Within a stage all subjects follow one another, and each repetition begins with another
/// one, so that what changes on the host meanwhile, a cache that warms up or a neighbour, meets all of them alike.
package struct BenchPlan: Sendable {
    /// What happens to one fresh disk.
    package enum Stage: CaseIterable, Sendable {
        /// Clones are made and removed; nothing is read or written.
        case creation
        case sequentialRead
        case randomRead
        case sequentialWrite
        case randomWrite

        package var title: String {
            switch self {
            case .creation: "making clones"
            case .sequentialRead: "sequential read"
            case .randomRead: "random read"
            case .sequentialWrite: "sequential write"
            case .randomWrite: "random write"
            }
        }

        package var cases: [IOCase] {
            switch self {
            case .creation: []
            case .sequentialRead: [.sequentialRead]
            case .randomRead: [.randomReadFirst, .randomReadAgain]
            case .sequentialWrite: [.sequentialWrite]
            case .randomWrite: [.randomWriteFirst, .randomWriteAgain]
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

    /// - Parameters:
    ///   - repetitions: 1 or more.
    ///   - clones: how many of each backend are made in all; 1 or more.
    package init(subjects: [BenchSubject], repetitions: Int, clones: Int) {
        var steps: [Step] = []
        for repetition in 0..<repetitions {
            let share = clones * (repetition + 1) / repetitions - clones * repetition / repetitions
            for stage in Stage.allCases {
                let taking = subjects.filter { stage == .creation ? $0.isClone : $0.obstacle == nil }
                guard !taking.isEmpty else { continue }
                let first = repetition % taking.count
                for subject in taking[first...] + taking[..<first] {
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

    /// What the benchmark may take on the disk at once, and some more: the raw file, the master's data, and a sparse file
    /// or a clone written all over.
    package static func space(for size: Int64) -> Int64 {
        let (bytes, isTooMuch) = size.multipliedReportingOverflow(by: 3)
        return isTooMuch ? .max : bytes + (64 << 20)
    }
}
