// SPDX-License-Identifier: Apache-2.0

/// A piece's place in its image. Only a ``PieceGeometry`` makes one, so holding it means that the piece exists.
package struct PieceIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The zero-based number of the piece.
    package let number: Int

    fileprivate init(number: Int) { self.number = number }

    package static func < (left: PieceIndex, right: PieceIndex) -> Bool { left.number < right.number }
    package var description: String { String(number) }
}

/// How an image is cut: its size, its pieces (what is hashed and announced) and its blocks (what is requested).
///
/// All arithmetic about offsets and lengths lives here, in one value whose parts were checked once (BEP 3, BEP 52).
package struct PieceGeometry: Hashable, Sendable {
    /// The unit of requests and the leaf of the merkle tree: 16 KiB (BEP 52).
    package static let blockLength = 16 * 1024
    /// The longest piece accepted from a torrent: 256 MiB.
    package static let maximumPieceLength = 256 << 20
    /// The largest number of pieces accepted from a torrent.
    package static let maximumPieceCount = 1 << 21

    /// The image's size in bytes; at least 1.
    package let size: Int64
    /// The length of every piece but the last, in bytes; a power of two from 16 KiB to 256 MiB.
    package let pieceLength: Int
    /// The number of pieces; at least 1.
    package let pieceCount: Int

    /// - Returns: `nil` when the size is not positive, the piece length is not a power of two in range, or there would
    ///   be more than ``maximumPieceCount`` pieces.
    package init?(size: Int64, pieceLength: Int) {
        guard size > 0, Self.isValid(pieceLength: pieceLength) else { return nil }
        // checked: both are positive.
        let count = (size - 1) / Int64(pieceLength) + 1
        guard count <= Int64(Self.maximumPieceCount) else { return nil }
        self.size = size
        self.pieceLength = pieceLength
        self.pieceCount = Int(count)
    }

    /// Whether `pieceLength` is a power of two from 16 KiB to 256 MiB.
    package static func isValid(pieceLength: Int) -> Bool {
        pieceLength >= blockLength && pieceLength <= maximumPieceLength && pieceLength.nonzeroBitCount == 1
    }

    /// The piece length Drover chooses for an image of `size` bytes: 64 KiB up to 256 MiB, so that small images are passed on
    /// early; beyond that 256 KiB, and from 512 MiB on 512 KiB to 16 MiB, of which each costs little beside its bytes, aiming at no
    /// more than 8,000 pieces, which keeps tables small.
    package static func preferredPieceLength(forSize size: Int64) -> Int {
        guard size > 256 << 20 else { return 64 * 1024 }
        guard size >= 512 << 20 else { return 256 * 1024 }
        var length = 512 * 1024
        // checked: from a constant up to another.
        while length < 16 << 20, size / Int64(length) >= 8000 { length *= 2 }
        return length
    }

    /// The piece numbered `number`, or `nil` when there is none.
    package func piece(_ number: Int) -> PieceIndex? {
        number >= 0 && number < pieceCount ? PieceIndex(number: number) : nil
    }

    /// Every piece, in order.
    package var pieces: LazyMapSequence<Range<Int>, PieceIndex> {
        (0..<pieceCount).lazy.map { PieceIndex(number: $0) }
    }

    /// The piece's first byte in the image.
    package func offset(of piece: PieceIndex) -> Int64 { Int64(piece.number) * Int64(pieceLength) }

    /// The piece's length in bytes; shorter than ``pieceLength`` only for the last one.
    package func length(of piece: PieceIndex) -> Int {
        // checked: the piece begins inside the image.
        Int(min(Int64(pieceLength), size - offset(of: piece)))
    }

    /// The number of blocks in the piece; at least 1.
    package func blockCount(of piece: PieceIndex) -> Int {
        (length(of: piece) - 1) / Self.blockLength + 1
    }

    /// The number of blocks in every piece but the last; a power of two.
    package var blocksPerPiece: Int { pieceLength / Self.blockLength }

    /// The number of blocks in the whole image.
    package var blockCount: Int64 {
        // checked: the size is positive.
        (size - 1) / Int64(Self.blockLength) + 1
    }

    /// The number of leaves of the tree below one piece's hash: that of a full piece, or, where the whole image is no
    /// longer than one piece, the next power of two from its blocks (BEP 52).
    package var leavesPerPieceTree: Int {
        guard pieceCount == 1 else { return blocksPerPiece }
        return Int(blockCount).roundedUpToPowerOfTwo
    }

    /// The length in bytes of one block of a piece; shorter than 16 KiB only for the image's last.
    package func length(ofBlock block: Int, in piece: PieceIndex) -> Int {
        max(0, min(Self.blockLength, length(of: piece) - block * Self.blockLength))
    }

    /// Whether a peer may ask for this; both numbers may be any. It begins inside the piece and ends inside its last block. libtorrent 2.0 asks
    /// for all of the last block even where the image ends inside it, and expects zeros there.
    package func mayBeRequested(begin: UInt32, length: UInt32, in piece: PieceIndex) -> Bool {
        // checked: lengths of a geometry are positive, and the sum is of two numbers of 32 bits.
        let end = UInt64(blockCount(of: piece)) * UInt64(Self.blockLength)
        return length > 0 && UInt64(begin) < UInt64(self.length(of: piece)) && UInt64(begin) + UInt64(length) <= end
    }
}

extension Int {
    /// The smallest power of two that is not below this positive number.
    package var roundedUpToPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
