// SPDX-License-Identifier: Apache-2.0

/// Who may decide next, first come, first served: an actor alone would let another one in at every `await`.
struct Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Returns: whether it is one's turn at once.
    mutating func begin() -> Bool {
        guard isTaken else {
            isTaken = true
            return true
        }
        return false
    }

    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

    mutating func end() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}
