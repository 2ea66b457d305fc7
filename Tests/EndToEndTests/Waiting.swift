// SPDX-License-Identifier: Apache-2.0

/// Why a test cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Asks again and again until there is an answer.
/// - Throws: ``TestFailure`` when there is none within `limit`, or what `question` throws.
func eventually<Answer>(
    _ what: String, within limit: Duration = .seconds(60), every pause: Duration = .milliseconds(30),
    _ question: () async throws -> Answer?
) async throws -> Answer {
    let end = ContinuousClock.now + limit
    while true {
        if let answer = try await question() { return answer }
        guard ContinuousClock.now < end else { throw TestFailure("waited \(limit) in vain until \(what)") }
        try await Task.sleep(for: pause)
    }
}

/// Asks again and again until it is so.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), every pause: Duration = .milliseconds(30),
    _ isSo: () async throws -> Bool
) async throws {
    _ = try await eventually(what, within: limit, every: pause) { try await isSo() ? true : nil }
}
