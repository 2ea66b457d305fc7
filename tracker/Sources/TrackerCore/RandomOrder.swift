// SPDX-License-Identifier: Apache-2.0

/// Visits the numbers below a bound in random order, each once, at a cost that depends only on how many are visited:
/// a Fisher-Yates shuffle that stores nothing but the places it has disturbed.
struct RandomOrder {
    private let count: Int
    private var visited = 0
    private var displaced: [Int: Int] = [:]

    init(count: Int) {
        self.count = count
    }

    /// The next number, or `nil` when all have been visited.
    mutating func next(using random: inout some RandomNumberGenerator) -> Int? {
        guard visited < count else { return nil }
        let place = Int.random(in: visited..<count, using: &random)
        let number = displaced[place] ?? place
        displaced[place] = displaced[visited] ?? visited
        visited += 1
        return number
    }
}
