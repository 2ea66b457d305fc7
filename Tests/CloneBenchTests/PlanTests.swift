// SPDX-License-Identifier: Apache-2.0

import CloneBench
import CloneLayer
import Testing

@Suite struct PlanTests {
    private static let subjects: [BenchSubject] = [
        .rawFile, .bareFile, .sparseFile, .clone(.qcow2), .clone(.copy), .clone(.vhd),
    ]

    private static func settings(
        repetitions: Int, clones: Int = 100, seed: UInt32 = 1, inGuest: Bool = false
    ) -> BenchReport.Settings {
        BenchReport.Settings(
            size: 1 << 30, seconds: 5, repetitions: repetitions, clones: clones, seed: seed, inGuest: inGuest)
    }

    @Test func `all subjects follow one another within a stage, in an order of its own`() {
        let plan = BenchPlan(subjects: Self.subjects, settings: Self.settings(repetitions: 3))
        var orders: Set<[BenchSubject]> = []
        for stage in BenchPlan.Stage.all(inGuest: false) where stage != .creation {
            for repetition in 0..<3 {
                let indices = plan.steps.indices.filter {
                    plan.steps[$0].stage == stage && plan.steps[$0].repetition == repetition
                }
                #expect(Set(indices.map { plan.steps[$0].subject }) == Set(Self.subjects.dropLast()))
                #expect(indices.count == 5)
                #expect((indices.last ?? 0) - (indices.first ?? 0) == 4)
                orders.insert(indices.map { plan.steps[$0].subject })
            }
        }
        #expect(orders.count > 6)
    }

    @Test func `the order follows from the seed`() {
        let plans = [7, 7, 8].map {
            BenchPlan(subjects: Self.subjects, settings: Self.settings(repetitions: 2, seed: $0)).steps
        }
        #expect(plans[0] == plans[1])
        #expect(plans[0] != plans[2])
    }

    @Test func `clones are shared out over the repetitions, and references are not made`() {
        for (clones, repetitions) in [(100, 3), (1, 3), (7, 1), (3, 3)] {
            let plan = BenchPlan(
                subjects: Self.subjects, settings: Self.settings(repetitions: repetitions, clones: clones))
            let making = plan.steps.filter { $0.stage == .creation }
            #expect(Set(making.map(\.subject)) == [.clone(.qcow2), .clone(.copy), .clone(.vhd)])
            #expect(making.filter { $0.subject == .clone(.vhd) }.map(\.clones).reduce(0, +) == clones)
        }
    }

    @Test func `what no guest of this host can read is made and not read`() {
        for inGuest in [false, true] {
            let plan = BenchPlan(
                subjects: [.clone(.vhd)], settings: Self.settings(repetitions: 2, clones: 4, inGuest: inGuest))
            #expect(plan.steps.map(\.stage) == [.creation, .creation])
        }
    }

    @Test func `one boot of a guest does every case once, and first touches come first`() {
        let plan = BenchPlan(
            subjects: [.rawFile, .clone(.qcow2)], settings: Self.settings(repetitions: 1, inGuest: true))
        #expect(plan.steps.map(\.stage) == [.creation, .guest, .guest])
        let cases = BenchPlan.Stage.guest.cases
        #expect(cases.count == IOCase.allCases.count && Set(cases) == Set(IOCase.allCases))
        #expect(cases.firstIndex(of: .randomReadFirst) == 0)
        for (index, ioCase) in cases.enumerated() where ioCase.isRepetition {
            #expect(cases[index - 1].isWrite == ioCase.isWrite && !cases[index - 1].countsBytes)
        }
    }

    @Test func `reads and random writes stay in the half with data, sequential writes in the empty one`() {
        let size: Int64 = 1001 << 20
        let data = BenchPlan.dataLength(of: size)
        #expect(data == 500 << 20)
        for ioCase in IOCase.allCases {
            #expect(ioCase.area(of: size) == (ioCase == .sequentialWrite ? data..<size : 0..<data))
        }
        var settings = Self.settings(repetitions: 1)
        settings.size = size
        #expect(BenchPlan.space(for: settings) > 3 * size)
        for large in [Int64.max, Int64.max / 3] {
            settings.size = large
            #expect(BenchPlan.space(for: settings) == .max)
        }
    }
}
