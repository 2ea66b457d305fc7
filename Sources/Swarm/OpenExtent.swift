// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// An extent whose blocks are being fetched from one peer, in runs of consecutive ones that were asked for together and are
/// answered together. The words are sets of its blocks.
struct OpenExtent: Sendable {
    let loan: Loan
    /// Whether there is room for its bytes.
    var isReady = false
    /// Asked for and not here.
    private(set) var requested: UInt64 = 0
    private(set) var received: UInt64 = 0
    /// The first block of each run that was asked for.
    private var starts: UInt64 = 0

    init(_ loan: Loan) { self.loan = loan }

    var extent: Extent { loan.extent }
    var unrequested: UInt64 { loan.blocks & ~requested & ~received }
    var isFilled: Bool { received == loan.blocks }

    /// Takes the next run to ask for.
    /// - Returns: `nil` when all was asked for, or nothing may be.
    mutating func request(atMost count: Int) -> Range<Int>? {
        let rest = unrequested
        guard rest != 0, count > 0 else { return nil }
        let first = rest.trailingZeroBitCount
        let run = first..<first + min(Self.ones(rest >> UInt64(first)), count)
        requested |= Self.set(run)
        starts |= 1 << UInt64(first)
        return run
    }

    /// The run that was asked for and begins with this block.
    func run(from block: Int) -> Range<Int>? {
        guard starts & (1 << UInt64(block)) != 0 else { return nil }
        let others = ((requested & ~starts) >> UInt64(block)) >> 1
        return block..<block + 1 + Self.ones(others)
    }

    /// All runs that were asked for and are not here.
    var runs: [Range<Int>] {
        (0..<extent.blockCount).compactMap { run(from: $0) }
    }

    /// The run is here.
    mutating func receive(_ run: Range<Int>) {
        withdraw(run)
        received |= Self.set(run)
    }

    /// The run is not asked for any more.
    mutating func withdraw(_ run: Range<Int>) {
        requested &= ~Self.set(run)
        starts &= ~Self.set(run)
    }

    /// How many bits from the lowest on are set.
    private static func ones(_ word: UInt64) -> Int { (~word).trailingZeroBitCount }

    private static func set(_ run: Range<Int>) -> UInt64 {
        // checked: an extent has no more blocks than the word has bits, and shifts by all of them give 0.
        ((1 << UInt64(run.count)) &- 1) << UInt64(run.lowerBound)
    }
}
