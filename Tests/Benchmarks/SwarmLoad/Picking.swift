// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo
import PeerProtocol
import Swarm
import TrackerProtocol

/// Pieces chosen, fetched and verified, one at a time, from peers in turn: all that a ``Swarm`` does for a piece, but for
/// hashing it.
struct Picking: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pick", abstract: "Chooses, assigns and verifies pieces.")

    @OptionGroup var amount: SwarmLoad.Amount

    @Option(help: "Pieces of the image.")
    var pieces = 8000

    @Option(help: "Peers, each of which has all pieces but one.")
    var peers = 24

    func validate() throws {
        guard (2...100_000).contains(pieces) else { throw ValidationError("--pieces must be from 2 to 100000") }
        guard (1...60).contains(peers) else { throw ValidationError("--peers must be from 1 to 60") }
        guard amount.count < pieces else { throw ValidationError("--count must be less than --pieces") }
    }

    func run() throws {
        var crowd = try Crowd(pieces: pieces, peers: peers)
        var verified = 0
        // Once, not in the loop: options are looked up anew each time they are read.
        let peers = peers
        for number in 0..<amount.count { verified += crowd.fetch(from: number % peers) }
        print("picked \(verified) of \(pieces) pieces")
    }
}

/// One swarm and the peers it fetches from.
private struct Crowd {
    private let hashes: [SHA256Digest]
    private let metainfo: Metainfo
    private var swarm: Swarm
    private var random = SteadyRandom()
    private var now = Duration.seconds(1)

    init(pieces: Int, peers: Int) throws {
        guard
            let geometry = PieceGeometry(
                size: Int64(pieces * PieceGeometry.blockLength), pieceLength: PieceGeometry.blockLength)
        else { throw ValidationError("no image has so many pieces") }
        hashes = (0..<pieces).map { SHA256Digest(hashing: Array("\($0)".utf8)) }
        metainfo = try Metainfo(
            torrent: TorrentWriter(name: "load@1.raw", geometry: geometry, pieceHashes: hashes).encoded)
        swarm = Swarm(
            metainfo: metainfo, have: Bitfield(pieceCount: pieces), ownID: PeerID.generated(using: &random))
        var most = Bitfield(full: geometry)
        if let last = geometry.piece(pieces - 1) { most.remove(last) }
        for peer in 0..<peers {
            let id = Swarm.ConnectionID(UInt64(peer))
            guard let host = IPAddress([10, 0, 0, UInt8(peer)]) else { continue }
            _ = swarm.connected(
                id, to: PeerID.generated(using: &random), at: PeerAddress(host: host, port: 6881),
                initiatedHere: true, now: now)
            _ = swarm.received(.pieces(most), from: id, now: now, using: &random)
            _ = swarm.received(.serves(true), from: id, now: now, using: &random)
        }
    }

    /// Fetches what one peer is given to do.
    /// - Returns: the pieces that were verified.
    mutating func fetch(from peer: Int) -> Int {
        now += .milliseconds(1)
        let id = Swarm.ConnectionID(UInt64(peer))
        var verified = 0
        for effect in swarm.received(.hungry(blocks: 1), from: id, now: now, using: &random) {
            guard case .command(_, .assign(let loans)) = effect else { continue }
            for loan in loans {
                _ = swarm.received(.filled(loan.extent), from: id, now: now, using: &random)
                let hash = LoanHashes(
                    [hashes[loan.extent.piece.number]], of: loan, geometry: metainfo.geometry)
                let effects = swarm.stored(loan.extent, hashes: hash, by: id, now: now)
                verified += effects.count { if case .fact(.pieceVerified) = $0 { true } else { false } }
            }
        }
        return verified
    }
}

/// The same numbers each time, so that the same instructions are counted.
private struct SteadyRandom: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 31)) &* 0x9e37_79b9_7f4a_7c15
    }
}
