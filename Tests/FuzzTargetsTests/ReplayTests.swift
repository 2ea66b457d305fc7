// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import FuzzTargets
import Testing

/// Runs again, without a fuzzer, what fuzzing keeps: the corpora, and each input that once was a finding.
struct ReplayTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzzing")

    /// The inputs kept for a target.
    private static func inputs(_ kind: String, _ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appending(path: kind).appending(path: target.name)
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func `what fuzzing keeps holds`(_ name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let corpus = try Self.inputs("Corpus", target)
        #expect(!corpus.isEmpty, "\(name) has no corpus")
        for (file, bytes) in try corpus + Self.inputs("Findings", target) {
            #expect(throws: Never.self, "\(name)/\(file)") { try target.run(bytes) }
        }
    }

    @Test func `every folder of inputs belongs to a target`() throws {
        for kind in ["Corpus", "Findings"] {
            let folder = Self.folder.appending(path: kind)
            guard FileManager.default.fileExists(atPath: folder.path) else { continue }
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                #expect(FuzzTarget.named(name) != nil, "\(kind)/\(name)")
            }
        }
    }
}
