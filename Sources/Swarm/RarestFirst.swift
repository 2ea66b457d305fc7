// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which pieces to begin: those that the fewest peers have, ties broken by a permutation that differs from host to
/// host and from call to call.
///
/// The permutation matters as much as the rarity. While one seed has everything, all pieces are equally rare, and hosts
/// that choose alike make the seed send the same piece many times.
struct RarestFirst {
    let availability: [UInt16]
    /// Chooses the permutation.
    let salt: UInt64

    /// The best `count` pieces that are in `candidates` and in neither of the others, best first.
    func choose(_ count: Int, of candidates: Bitfield, outside have: Bitfield, and started: Bitfield) -> [Int] {
        guard count > 0 else { return [] }
        var best: [(rank: UInt64, piece: Int)] = []
        candidates.forEach(outside: have, and: started, from: 0) { piece in
            let rank = rank(of: piece)
            if best.count == count {
                guard let worst = best.last, rank < worst.rank else { return true }
                best.removeLast()
            }
            var place = best.count
            while place > 0, best[place - 1].rank > rank { place -= 1 }
            best.insert((rank, piece), at: place)
            return true
        }
        return best.map(\.piece)
    }

    /// The rarity in the upper 16 bits, the place in the permutation below.
    private func rank(of piece: Int) -> UInt64 {
        var mixed = (UInt64(piece) &+ salt) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 32)) &* 0xd6e8_feb8_6659_fd93
        return UInt64(availability[piece]) << 48 | (mixed ^ (mixed >> 29)) >> 16
    }
}
