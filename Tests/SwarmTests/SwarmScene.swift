// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import TrackerProtocol

/// A small generator with a seed, so that a failing test fails again.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 31)) &* 0x9e37_79b9_7f4a_7c15
    }
}

/// An image whose blocks have made-up leaves, and the metainfo they lead to.
struct TestImage {
    let geometry: PieceGeometry
    let metainfo: Metainfo

    init(size: Int64, pieceLength: Int) throws {
        guard let geometry = PieceGeometry(size: size, pieceLength: pieceLength) else {
            throw MetainfoError.badSize(size)
        }
        self.geometry = geometry
        let hashes = geometry.pieces.map { piece in
            MerkleTree.pieceHash(leaves: Self.leaves(of: piece, geometry), geometry: geometry)
        }
        metainfo = try Metainfo(
            torrent: TorrentWriter(name: "test@1.raw", geometry: geometry, pieceHashes: Array(hashes)).encoded)
    }

    private static func leaves(of piece: PieceIndex, _ geometry: PieceGeometry) -> [SHA256Digest] {
        (0..<geometry.blockCount(of: piece)).map { block in
            SHA256Digest(hashing: Array("\(piece):\(block)".utf8))
        }
    }

    /// The right leaves of a piece.
    func leaves(of piece: PieceIndex) -> [SHA256Digest] { Self.leaves(of: piece, geometry) }

    /// What a loan's blocks hash to.
    /// - Parameter wrong: the set of those that are not as they should be.
    func hashes(of loan: Loan, wrong: UInt64 = 0) -> LoanHashes {
        let right = leaves(of: loan.extent.piece)
        let places = (0..<loan.extent.blockCount).filter { loan.blocks & (1 << UInt64($0)) != 0 }
        let leaves = places.map { place in
            wrong & (1 << UInt64(place)) == 0
                ? right[loan.extent.firstBlock + place] : SHA256Digest(hashing: Array("wrong \(place)".utf8))
        }
        return LoanHashes(leaves, of: loan, geometry: geometry)
    }

    func bitfield(_ pieces: some Sequence<Int>) -> Bitfield {
        var bitfield = Bitfield(pieceCount: geometry.pieceCount)
        for number in pieces { if let piece = geometry.piece(number) { bitfield.insert(piece) } }
        return bitfield
    }
}

/// One swarm and what was said to it, so that tests read as scripts.
struct SwarmScene {
    let image: TestImage
    var swarm: Swarm
    var now = Duration.seconds(100)
    var random = TestRandom(state: 7)

    /// - Parameter ownID: the byte of which this side's peer id consists.
    init(
        size: Int64 = 4 << 20, pieceLength: Int = 1 << 20, have: [Int] = [], ownID: UInt8 = 100,
        rack: String? = nil, limits: SwarmLimits = SwarmLimits()
    ) throws {
        image = try TestImage(size: size, pieceLength: pieceLength)
        swarm = Swarm(
            metainfo: image.metainfo, have: image.bitfield(have), ownID: try Self.peerID(ownID),
            rack: rack.flatMap { RackName($0) }, limits: limits)
    }

    struct BadByte: Error {}

    static func peerID(_ byte: UInt8) throws -> PeerID {
        guard let id = PeerID(Array(repeating: byte, count: 20)) else { throw BadByte() }
        return id
    }

    static func address(_ byte: UInt8, port: UInt16 = 6881) throws -> PeerAddress {
        guard let host = IPAddress([10, 0, 0, byte]) else { throw BadByte() }
        return PeerAddress(host: host, port: port)
    }

    func id(_ number: UInt64) -> Swarm.ConnectionID { Swarm.ConnectionID(number) }

    /// Connects a peer whose id and address are made of its number, and says which pieces it has (all by default).
    @discardableResult
    mutating func connect(
        _ number: UInt64, peer: UInt8? = nil, here: Bool = false, pieces: [Int]? = nil
    ) throws -> [Swarm.Effect] {
        let byte = peer ?? UInt8(truncatingIfNeeded: number)
        var effects = swarm.connected(
            id(number), to: try Self.peerID(byte), at: try Self.address(byte, port: here ? 6881 : 40000),
            initiatedHere: here, now: now)
        let bitfield = pieces.map { image.bitfield($0) } ?? Bitfield(full: image.geometry)
        effects += report(.pieces(bitfield), from: number)
        return effects
    }

    @discardableResult
    mutating func report(_ report: SessionReport, from number: UInt64) -> [Swarm.Effect] {
        swarm.received(report, from: id(number), now: now, using: &random)
    }

    /// Lets a connection ask for work and returns what it was given.
    mutating func work(_ number: UInt64, blocks: Int = 64) -> [Extent] {
        loans(number, blocks: blocks).map(\.extent)
    }

    /// The same, with the blocks of each extent.
    mutating func loans(_ number: UInt64, blocks: Int = 64) -> [Loan] {
        Self.loans(report(.hungry(blocks: blocks), from: number), to: number)
    }

    static func assigned(_ effects: [Swarm.Effect], to number: UInt64) -> [Extent] {
        loans(effects, to: number).map(\.extent)
    }

    static func loans(_ effects: [Swarm.Effect], to number: UInt64) -> [Loan] {
        effects.flatMap { effect -> [Loan] in
            if case .command(Swarm.ConnectionID(number), .assign(let loans)) = effect { loans } else { [] }
        }
    }

    /// A connection fills an extent and has it stored.
    @discardableResult
    mutating func deliver(_ extent: Extent, from number: UInt64, isRight: Bool = true) -> [Swarm.Effect] {
        deliver(Loan(extent), from: number, wrong: isRight ? 0 : extent.allBlocks)
    }

    /// A connection fills a loan and has it stored.
    /// - Parameter wrong: the set of blocks that are not what they should be.
    @discardableResult
    mutating func deliver(_ loan: Loan, from number: UInt64, wrong: UInt64) -> [Swarm.Effect] {
        let effects = report(.filled(loan.extent), from: number)
        guard effects.contains(.command(id(number), .store(loan.extent))) else { return effects }
        return effects
            + swarm.stored(loan.extent, hashes: image.hashes(of: loan, wrong: wrong), by: id(number), now: now)
    }
}

/// Loans of whole extents.
func loans(_ extents: some Sequence<Extent>) -> [Loan] { extents.map { Loan($0) } }
