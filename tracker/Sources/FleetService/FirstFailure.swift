// SPDX-License-Identifier: Apache-2.0

/// Things that are to be done whatever becomes of the others: the first error is kept, for whoever must know.
struct FirstFailure {
    private var error: (any Error)?

    mutating func attempt(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void) async {
        do { try await body() } catch { self.error = self.error ?? error }
    }

    /// - Throws: the first error, if there was one.
    func check() throws { if let error { throw error } }
}
