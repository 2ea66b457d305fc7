// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A piece whose bytes are all here and do not match, while its leaves are asked for to find out which blocks are wrong.
struct Dispute: Sendable {
    /// What the piece was made of.
    let finished: PieceTable.Finished
    /// Who was asked for the leaves.
    var asked: Set<Swarm.ConnectionID> = []
    /// Whose answer is awaited.
    var awaited: Swarm.ConnectionID?
}

/// A piece that was wrong and whose leaves are known now: what is still to be fetched of it, block by block.
struct Repair: Sendable {
    /// The leaves of all blocks of the piece, proven against its hash.
    let leaves: [SHA256Digest]
    /// The wrong blocks of each extent.
    private(set) var missing: [UInt64]

    /// Compares what was brought with the leaves.
    init(leaves: [SHA256Digest], brought: [[SHA256Digest]]) {
        self.leaves = leaves
        missing = brought.enumerated().map { number, hashes in
            Self.differences(hashes, leaves.dropFirst(number * Extent.maximumBlockCount))
        }
    }

    /// The blocks of the loan that are not right; the others are not missing any more.
    mutating func check(_ loan: Loan, _ hashes: [SHA256Digest]) -> UInt64 {
        var rest = loan.blocks
        var wrong: UInt64 = 0
        for hash in hashes where rest != 0 {
            let place = rest.trailingZeroBitCount
            rest &= rest - 1
            let number = loan.extent.firstBlock + place
            if number >= leaves.count || leaves[number] != hash { wrong |= 1 << UInt64(place) }
        }
        wrong |= rest
        missing[loan.extent.number] &= ~(loan.blocks & ~wrong)
        return wrong
    }

    /// The leaves of one extent.
    func leaves(of extent: Extent) -> [SHA256Digest] {
        Array(leaves.dropFirst(extent.firstBlock).prefix(extent.blockCount))
    }

    private static func differences(
        _ brought: [SHA256Digest], _ right: ArraySlice<SHA256Digest>
    ) -> UInt64 {
        zip(brought, right).enumerated().reduce(0) { wrong, pair in
            pair.element.0 == pair.element.1 ? wrong : wrong | 1 << UInt64(pair.offset)
        }
    }
}
