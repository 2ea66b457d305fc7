// SPDX-License-Identifier: Apache-2.0

/// A set of an image's pieces: who has what. On the wire the first piece is the highest bit of the first byte (BEP 3).
package struct Bitfield: Hashable, Sendable {
    private var words: [UInt64]
    /// The number of pieces the set is about.
    package let pieceCount: Int
    /// The number of pieces in the set.
    package private(set) var count: Int

    /// The empty set for an image of `pieceCount` pieces.
    package init(pieceCount: Int) {
        self.pieceCount = pieceCount
        words = Array(repeating: 0, count: (pieceCount + 63) / 64)
        count = 0
    }

    /// The set of all pieces.
    package init(full geometry: PieceGeometry) {
        self.init(pieceCount: geometry.pieceCount)
        for piece in geometry.pieces { insert(piece) }
    }

    /// Reads a `bitfield` message.
    /// - Returns: `nil` unless the length is exact and the spare bits are zero (BEP 3).
    package init?(wire bytes: [UInt8], pieceCount: Int) {
        guard bytes.count == (pieceCount + 7) / 8 else { return nil }
        self.init(pieceCount: pieceCount)
        for (index, byte) in bytes.enumerated() {
            // The set's words count bits from the low end, the wire from the high end of each byte.
            var rest = byte
            while rest != 0 {
                let bit = rest.leadingZeroBitCount
                rest &= ~(0x80 >> bit)
                let piece = index * 8 + bit
                guard piece < pieceCount else { return nil }
                // checked: the piece is below the count, for which the words were made.
                words[piece / 64] |= 1 << UInt64(piece % 64)
                count += 1
            }
        }
    }

    /// The set as a `bitfield` message carries it.
    package var wire: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (pieceCount + 7) / 8)
        // checked: only pieces below the count are in the set.
        forEach { bytes[$0 / 8] |= 0x80 >> UInt8($0 % 8) }
        return bytes
    }

    package var isEmpty: Bool { count == 0 }
    /// Whether every piece is in the set.
    package var isFull: Bool { count == pieceCount }

    package func contains(_ piece: PieceIndex) -> Bool {
        // checked: the piece is below the count, for which the words were made.
        piece.number < pieceCount && words[piece.number / 64] & (1 << UInt64(piece.number % 64)) != 0
    }

    /// - Returns: whether the piece was not in the set before.
    @discardableResult
    package mutating func insert(_ piece: PieceIndex) -> Bool {
        guard piece.number < pieceCount, !contains(piece) else { return false }
        // checked: the guard above: the piece is below the count.
        words[piece.number / 64] |= 1 << UInt64(piece.number % 64)
        count += 1
        return true
    }

    /// - Returns: whether the piece was in the set before.
    @discardableResult
    package mutating func remove(_ piece: PieceIndex) -> Bool {
        guard contains(piece) else { return false }
        // checked: a piece in the set is below the count.
        words[piece.number / 64] &= ~(1 << UInt64(piece.number % 64))
        count -= 1
        return true
    }

    /// Calls `body` with the number of each piece in the set, ascending.
    package func forEach(_ body: (Int) -> Void) {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                body(index * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }

    /// Calls `body` with the number of each piece that is in this set and in neither of the others, beginning near
    /// `start` and wrapping around, until `body` returns `false`. The three sets are about the same image.
    package func forEach(
        outside excluded: Bitfield, and alsoExcluded: Bitfield, from start: Int, _ body: (Int) -> Bool
    ) {
        guard !words.isEmpty, excluded.words.count == words.count, alsoExcluded.words.count == words.count else {
            return
        }
        // checked: the guard above: there are words, as many in each set.
        let first = (start / 64) % words.count
        for step in 0..<words.count {
            let index = (first + step) % words.count
            var rest = words[index] & ~excluded.words[index] & ~alsoExcluded.words[index]
            while rest != 0 {
                guard body(index * 64 + rest.trailingZeroBitCount) else { return }
                rest &= rest - 1
            }
        }
    }

    /// Adds the pieces of another set about the same image.
    package mutating func formUnion(_ other: Bitfield) {
        change(with: other) { $0 | $1 }
    }

    /// Takes away the pieces of another set about the same image.
    package mutating func subtract(_ other: Bitfield) {
        change(with: other) { $0 & ~$1 }
    }

    private mutating func change(with other: Bitfield, _ combine: (UInt64, UInt64) -> UInt64) {
        guard other.words.count == words.count else { return }
        var count = 0
        for index in words.indices {
            // checked: the guard above: both have as many words.
            let word = combine(words[index], other.words[index])
            words[index] = word
            count += word.nonzeroBitCount
        }
        self.count = count
    }

    /// How much of each part of the image is in the set: 0 for nothing to 15 for all of it.
    /// - Parameter cells: how many parts; fewer where there are fewer pieces.
    package func map(cells: Int) -> [UInt8] {
        let cells = min(cells, pieceCount)
        guard cells > 0 else { return [] }
        var counts = [Int](repeating: 0, count: cells)
        // checked: there is a piece, as the guard says, and a number below the count of pieces leads to one below that of cells.
        forEach { counts[$0 * cells / pieceCount] += 1 }
        return counts.enumerated().map { cell, count in
            // The pieces whose number leads to this cell.
            let first = (cell * pieceCount + cells - 1) / cells  // checked: the guard.
            let end = ((cell + 1) * pieceCount + cells - 1) / cells  // checked: the guard.
            return UInt8(clamping: count * 15 / max(1, end - first))  // checked: one at least.
        }
    }

    /// The number of pieces in this set that are not in `other`.
    package func count(notIn other: Bitfield) -> Int {
        guard other.words.count == words.count else { return count }
        return zip(words, other.words).reduce(0) { $0 + ($1.0 & ~$1.1).nonzeroBitCount }
    }
}
