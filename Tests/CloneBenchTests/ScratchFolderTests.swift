// SPDX-License-Identifier: Apache-2.0

import CloneBench
import FileLayer
import TestSupport
import Testing

@Suite struct ScratchFolderTests {
    @Test func `of many that come and go at once only one ever has the folder`() async throws {
        let parent = try TemporaryDirectory()
        let held = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var held = 0
                    for _ in 0..<400 {
                        do {
                            let scratch = try ScratchFolder(in: parent.path)
                            // Fails when somebody else made it and still works here.
                            _ = try PosixFiles().open(scratch.path + "/owner", .createNew)
                            try scratch.remove()
                            held += 1
                        } catch let error as BenchError where error.description.hasPrefix("another benchmark") {}
                    }
                    return held
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(held >= 4)
        #expect(try PosixFiles().status(parent.path + "/drover-bench") == nil)
    }

    @Test(arguments: [[], ["made-by-drover-bench"], ["made-by-drover-bench", "lock", "raw"]])
    func `what a run left that was killed while it came or went is taken over`(left: [String]) throws {
        let parent = try TemporaryDirectory()
        try PosixFiles().makeDirectory(parent.path + "/drover-bench")
        for name in left { _ = try PosixFiles().open("\(parent.path)/drover-bench/\(name)", .createNew) }
        try ScratchFolder(in: parent.path).remove()
        #expect(try PosixFiles().names(in: parent.path) == [])
    }

    @Test func `a folder of its name with something else in it is left alone`() throws {
        let parent = try TemporaryDirectory()
        try PosixFiles().makeDirectory(parent.path + "/drover-bench")
        _ = try PosixFiles().open(parent.path + "/drover-bench/results", .createNew)
        #expect(throws: BenchError.self) { try ScratchFolder(in: parent.path) }
        #expect(try PosixFiles().names(in: parent.path + "/drover-bench") == ["results"])
    }
}
