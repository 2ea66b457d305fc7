// SPDX-License-Identifier: Apache-2.0

import CloneBench
import CloneLayer
import Testing

@Suite struct PlanTests {
    private static let subjects: [BenchSubject] = [
        .rawFile, .bareFile, .sparseFile, .clone(.qcow2), .clone(.copy), .clone(.vhd),
    ]

    @Test func `all subjects follow one another within a stage and take turns in being first`() {
        let plan = BenchPlan(subjects: Self.subjects, repetitions: 3, clones: 100)
        for stage in BenchPlan.Stage.allCases where stage != .creation {
            var firsts: [BenchSubject] = []
            for repetition in 0..<3 {
                let indices = plan.steps.indices.filter {
                    plan.steps[$0].stage == stage && plan.steps[$0].repetition == repetition
                }
                #expect(Set(indices.map { plan.steps[$0].subject }) == Set(Self.subjects.dropLast()))
                #expect(indices.count == 5)
                #expect((indices.last ?? 0) - (indices.first ?? 0) == 4)
                firsts += indices.first.map { [plan.steps[$0].subject] } ?? []
            }
            #expect(Set(firsts).count == 3)
        }
    }

    @Test func `clones are shared out over the repetitions, and references are not made`() {
        for (clones, repetitions) in [(100, 3), (1, 3), (7, 1), (3, 3)] {
            let plan = BenchPlan(subjects: Self.subjects, repetitions: repetitions, clones: clones)
            let making = plan.steps.filter { $0.stage == .creation }
            #expect(Set(making.map(\.subject)) == [.clone(.qcow2), .clone(.copy), .clone(.vhd)])
            #expect(making.filter { $0.subject == .clone(.vhd) }.map(\.clones).reduce(0, +) == clones)
        }
    }

    @Test func `what no guest of this host can read is made and not read`() {
        let plan = BenchPlan(subjects: [.clone(.vhd)], repetitions: 2, clones: 4)
        #expect(plan.steps.map(\.stage) == [.creation, .creation])
    }

    @Test func `reads and random writes stay in the half with data, sequential writes in the empty one`() {
        let size: Int64 = 1001 << 20
        let data = BenchPlan.dataLength(of: size)
        #expect(data == 500 << 20)
        for ioCase in IOCase.allCases {
            #expect(ioCase.area(of: size) == (ioCase == .sequentialWrite ? data..<size : 0..<data))
        }
        #expect(BenchPlan.space(for: .max) == .max)
        #expect(BenchPlan.space(for: size) > 3 * size)
    }
}
