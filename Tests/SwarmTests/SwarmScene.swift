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

/// An image whose extents have made-up roots, and the metainfo they lead to.
struct TestImage {
    let geometry: PieceGeometry
    let metainfo: Metainfo
    let roots: [[SHA256Digest]]

    init(size: Int64, pieceLength: Int) throws {
        guard let geometry = PieceGeometry(size: size, pieceLength: pieceLength) else {
            throw MetainfoError.badSize(size)
        }
        let roots: [[SHA256Digest]] = geometry.pieces.map { piece in
            geometry.extents(of: piece).map {
                SHA256Digest(hashing: [UInt8(truncatingIfNeeded: piece.number), UInt8(truncatingIfNeeded: $0.number)])
            }
        }
        let writer = TorrentWriter(
            name: "test@1.raw", geometry: geometry, pieceHashes: roots.map { geometry.pieceHash(extentRoots: $0) })
        self.geometry = geometry
        self.roots = roots
        metainfo = try Metainfo(torrent: writer.encoded)
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
        limits: SwarmLimits = SwarmLimits()
    ) throws {
        image = try TestImage(size: size, pieceLength: pieceLength)
        swarm = Swarm(
            metainfo: image.metainfo, have: image.bitfield(have), ownID: try Self.peerID(ownID), limits: limits)
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
        Self.assigned(report(.hungry(blocks: blocks), from: number), to: number)
    }

    static func assigned(_ effects: [Swarm.Effect], to number: UInt64) -> [Extent] {
        effects.flatMap { effect -> [Extent] in
            if case .command(Swarm.ConnectionID(number), .assign(let extents)) = effect { extents } else { [] }
        }
    }

    /// A connection fills an extent and has it stored.
    @discardableResult
    mutating func deliver(_ extent: Extent, from number: UInt64, isRight: Bool = true) -> [Swarm.Effect] {
        let effects = report(.filled(extent), from: number)
        guard effects.contains(.command(id(number), .store(extent))) else { return effects }
        let root = isRight ? image.roots[extent.piece.number][extent.number] : SHA256Digest(hashing: [0xba, 0xd0])
        return effects + swarm.stored(extent, root: root, by: id(number), now: now)
    }
}
