// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

struct BitfieldTests {
    @Test func `the first piece is the highest bit`() throws {
        let geometry = try #require(PieceGeometry(size: 10 * 16384, pieceLength: 16384))
        var set = Bitfield(pieceCount: 10)
        for number in [0, 7, 8, 9] { set.insert(try #require(geometry.piece(number))) }
        #expect(set.wire == [0b1000_0001, 0b1100_0000])
        #expect(Bitfield(wire: [0b1000_0001, 0b1100_0000], pieceCount: 10) == set)
        #expect(Bitfield(full: geometry).wire == [0xff, 0xc0])
    }

    @Test func `a wrong length or a spare bit is refused`() {
        #expect(Bitfield(wire: [0xff], pieceCount: 10) == nil)
        #expect(Bitfield(wire: [0xff, 0, 0], pieceCount: 10) == nil)
        #expect(Bitfield(wire: [], pieceCount: 10) == nil)
        for spare in 2..<8 { #expect(Bitfield(wire: [0, 0x80 >> UInt8(spare)], pieceCount: 10) == nil) }
        #expect(Bitfield(wire: [0xff, 0xc0], pieceCount: 10)?.isFull == true)
        #expect(Bitfield(wire: [0x80], pieceCount: 1)?.isFull == true)
        #expect(Bitfield(wire: [0x40], pieceCount: 1) == nil)
    }

    @Test(arguments: UInt64(1)...100)
    func `it behaves like a set of numbers`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let pieceCount = Int.random(in: 1...300, using: &random)
        let geometry = try #require(PieceGeometry(size: Int64(pieceCount) * 16384, pieceLength: 16384))
        var (field, model) = (Bitfield(pieceCount: pieceCount), Set<Int>())
        for _ in 0..<400 {
            let number = Int.random(in: 0..<pieceCount, using: &random)
            let piece = try #require(geometry.piece(number))
            if Bool.random(using: &random) {
                #expect(field.insert(piece) == model.insert(number).inserted)
            } else {
                #expect(field.remove(piece) == (model.remove(number) != nil))
            }
            #expect(field.contains(piece) == model.contains(number))
        }
        #expect(field.count == model.count)
        var seen: [Int] = []
        field.forEach { seen.append($0) }
        #expect(seen == model.sorted())
        #expect(Bitfield(wire: field.wire, pieceCount: pieceCount) == field)
        #expect(field.isFull == (model.count == pieceCount) && field.isEmpty == model.isEmpty)

        var (other, third) = (Bitfield(pieceCount: pieceCount), Bitfield(pieceCount: pieceCount))
        for piece in geometry.pieces {
            if Bool.random(using: &random) { other.insert(piece) }
            if Bool.random(using: &random) { third.insert(piece) }
        }
        var visited: [Int] = []
        field.forEach(outside: other, and: third, from: Int.random(in: 0..<pieceCount, using: &random)) {
            visited.append($0)
            return true
        }
        let expected = model.filter { number in
            geometry.piece(number).map { !other.contains($0) && !third.contains($0) } ?? false
        }
        #expect(visited.sorted() == expected.sorted())
        #expect(
            field.count(notIn: other) == model.filter { geometry.piece($0).map { !other.contains($0) } ?? false }.count)
    }

    @Test func `a piece of a larger image is in no smaller set`() throws {
        let geometry = try #require(PieceGeometry(size: 100 * 16384, pieceLength: 16384))
        let foreign = try #require(geometry.piece(99))
        var set = Bitfield(pieceCount: 10)
        #expect(!set.insert(foreign) && !set.contains(foreign) && !set.remove(foreign))
        #expect(set.isEmpty)
    }
}
