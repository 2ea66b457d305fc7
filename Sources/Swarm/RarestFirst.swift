// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

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
        // The rank that has to be beaten, once there are enough.
        var worst = UInt64.max
        candidates.forEach(outside: have, and: started, from: 0) { piece in
            // Most pieces are not rare enough, and need not draw a number.
            guard UInt64(availability[piece]) <= worst >> 48 else { return true }
            let rank = rank(of: piece)
            guard rank < worst || best.count < count else { return true }
            var place = best.count
            while place > 0, best[place - 1].rank > rank { place -= 1 }
            best.insert((rank, piece), at: place)
            if best.count > count { best.removeLast() }
            if best.count == count { worst = best[count - 1].rank }
            return true
        }
        return best.map(\.piece)
    }

    /// The rarity in the upper 16 bits, the place in the permutation below.
    private func rank(of piece: Int) -> UInt64 {
        UInt64(availability[piece]) << 48 | Self.draw(piece, salt) >> 16
    }

    /// The number that a piece draws: all the same for whoever has the same salt, and for others nothing like it.
    static func draw(_ piece: Int, _ salt: UInt64) -> UInt64 {
        var mixed = (UInt64(piece) &+ salt) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 32)) &* 0xd6e8_feb8_6659_fd93
        return mixed ^ (mixed >> 29)
    }
}

extension PeerID {
    /// A salt of this peer's own.
    /// - Parameter number: leads to another one.
    func salt(_ number: UInt64 = 0) -> UInt64 {
        bytes.reduce(number &+ 0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
