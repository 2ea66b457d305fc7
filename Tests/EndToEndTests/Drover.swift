// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// The programs under test. They stand beside the test bundle in the build folder, or in `DROVER_BIN`.
enum Program {
    static let drover = folder + "/drover"
    static let tracker = folder + "/drover-tracker"

    private static var folder: String {
        if let named = getenv("DROVER_BIN") { return String(cString: named) }
        guard let real = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(real) }
        let path = String(cString: real)
        return path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }
}

/// Runs `drover`, whatever comes of it; words are separated by blanks.
func drover(
    _ words: String, environment: [String: String] = [:], within limit: Duration = .seconds(60)
) async throws -> ChildProcess.Finished {
    try await ChildProcess.run(
        Program.drover, words.split(separator: " ").map(String.init), environment: environment, within: limit)
}

/// Runs `drover`, which must succeed.
@discardableResult
func droverDoes(
    _ words: String, environment: [String: String] = [:], within limit: Duration = .seconds(60)
) async throws -> ChildProcess.Finished {
    let finished = try await drover(words, environment: environment, within: limit)
    guard finished.status == 0 else { throw TestFailure("\(finished)") }
    return finished
}

/// Runs `drover`, which must refuse: with this exit code, nothing on standard output, and one sentence on standard error.
@discardableResult
func droverRefuses(
    _ words: String, with status: Int32, saying part: String = "", environment: [String: String] = [:],
    within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation
) async throws -> ChildProcess.Finished {
    let finished = try await drover(words, environment: environment, within: limit)
    #expect(finished.status == status, "\(finished)", sourceLocation: sourceLocation)
    #expect(finished.output.isEmpty, "\(finished)", sourceLocation: sourceLocation)
    expectOneSentence(finished.errors, saying: part, sourceLocation: sourceLocation)
    return finished
}

/// One line that names the program, reads like a sentence, and shows no insides of it.
func expectOneSentence(_ errors: String, saying part: String = "", sourceLocation: SourceLocation = #_sourceLocation) {
    let lines = errors.split(separator: "\n")
    #expect(lines.count == 1, "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("drover: "), "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.count > 30 && errors.count < 500, "\(errors)", sourceLocation: sourceLocation)
    #expect(part.isEmpty || errors.contains(part), "\(errors)", sourceLocation: sourceLocation)
    for word in ["Optional(", "Error(", "errno", "NIO", "HTTPClient", "(code:", " 0x", "this is a bug"] {
        #expect(!errors.contains(word), "\(errors)", sourceLocation: sourceLocation)
    }
}
