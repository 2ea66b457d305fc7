// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import TestSupport
import TrackerProtocol

/// One host that fetches one image: the real `Swarm` and the real `PeerSession`s, driven as a driver does, where a
/// script decides what happens next.
final class ScriptedHost {
    let image: ScriptedImage
    let limits: SwarmLimits
    var swarm: Swarm
    var connections: [ScriptedConnection] = []
    var now = Duration.seconds(100)
    private var random = SplitMix(state: 11)
    private var connectionCount: UInt64 = 0
    /// Loans being written, with the blocks of them that are wrong.
    private var writes: [(loan: Loan, wrong: UInt64, by: Swarm.ConnectionID)] = []
    /// What is on disk: the wrong blocks of each extent that was written.
    private var disk: [Extent: UInt64] = [:]
    /// Addresses that are being dialled.
    private var dialled: [PeerAddress] = []

    /// Images of one extent a piece, and of two, the last piece short.
    private static let images: [ScriptedImage] = [(49, 1 << 15), (160, 1 << 21)].compactMap { blocks, pieceLength in
        let size = Int64(blocks * PieceGeometry.blockLength - 100)
        return PieceGeometry(size: size, pieceLength: pieceLength).flatMap { try? ScriptedImage($0) }
    }

    init(_ script: inout Script) throws {
        let setting = script.byte()
        image = try unwrap(Self.images.dropFirst(Int(setting) % 2).first, "there is no image")
        limits = Self.limits
        var have = Bitfield(pieceCount: image.geometry.pieceCount)
        // A fetching host, one that has something, or a seed.
        let every = [0, 3, 0, 1][Int(setting >> 4) % 4]
        for piece in image.geometry.pieces where every > 0 && piece.number % every == 0 {
            have.insert(piece)
            for extent in image.geometry.extents(of: piece) { disk[extent] = 0 }
        }
        let id = try unwrap(PeerID(Array(repeating: 5, count: PeerID.byteCount)), "no peer id")
        swarm = Swarm(metainfo: image.metainfo, have: have, ownID: id, limits: limits)
    }

    /// Low enough for a short script to reach them.
    private static var limits: SwarmLimits {
        var limits = SwarmLimits()
        limits.connections = 3
        (limits.knownAddresses, limits.dials) = (3, 2)
        (limits.queuedRequests, limits.chokedRequests) = (16, 4)
        (limits.blocksPerRead, limits.blocksPerRequest) = (4, 3)
        (limits.minimumPipeline, limits.initialPipeline, limits.maximumPipeline) = (2, 6, 12)
        (limits.rememberedCancels, limits.unrequestedBlocks, limits.rejectedRequests) = (8, 8, 4)
        (limits.disputes, limits.leafInquiries, limits.leafSources, limits.rememberedSources) = (2, 2, 2, 2)
        (limits.queuedHashRequests, limits.hashAllowance, limits.hashAllowancePerTick) = (2, 600, 100)
        return limits
    }

    // MARK: Swarm

    /// Lets the swarm decide and hands out what it says.
    func decide(_ body: (inout Swarm, Duration) -> [Swarm.Effect]) throws {
        for effect in body(&swarm, now) {
            switch effect {
            case .command(let id, let command): connections.first { $0.id == id }?.commands.append(command)
            case .dial(let address): dialled.append(address)
            case .fact(.pieceVerified(let piece)):
                for extent in image.geometry.extents(of: piece) {
                    try expect(disk[extent] == 0, "piece \(piece) is called verified and is wrong on disk")
                }
            case .fact: break
            }
        }
    }

    func reported(_ report: SessionReport, from id: Swarm.ConnectionID) throws {
        try decide { $0.received(report, from: id, now: $1, using: &random) }
    }

    func tick() throws { try decide { $0.tick(now: $1) } }

    // MARK: Disk

    func write(_ loan: Loan, wrong: UInt64, by id: Swarm.ConnectionID) { writes.append((loan, wrong, id)) }

    /// Carries out the oldest write.
    func finishWrite() throws {
        guard !writes.isEmpty else { return }
        let (loan, wrong, id) = writes.removeFirst()
        let before = disk[loan.extent]
        try expect(loan.isWhole || before != nil, "a part was stored before the rest")
        disk[loan.extent] = (before ?? 0) & ~loan.blocks | wrong
        if swarm.have.contains(loan.extent.piece) { try expect(wrong == 0, "a late write spoils a verified piece") }
        let hashes = image.hashes(of: loan, wrong: wrong)
        try decide { $0.stored(loan.extent, hashes: hashes, by: id, now: $1) }
    }

    var hasWrites: Bool { !writes.isEmpty }

    // MARK: Connections

    /// A peer connects, or is reached: one of four peers, so that some come twice.
    func connect(_ script: inout Script) throws {
        guard connections.count < 5 else { return }
        let flags = script.byte()
        let initiatedHere = flags & 8 != 0 && !dialled.isEmpty
        let address = initiatedHere ? dialled.removeFirst() : try Self.address(flags % 4, port: 50000)
        let peer = try unwrap(PeerID(Array(repeating: flags % 4 + 4, count: PeerID.byteCount)), "no peer id")
        connectionCount += 1
        let id = Swarm.ConnectionID(connectionCount)
        let connection = ScriptedConnection(id, self)
        connections.append(connection)
        try decide {
            $0.connected(id, to: peer, at: address, initiatedHere: initiatedHere, now: $1)
        }
        guard swarm.address(of: id) != nil else {
            connections.removeAll { $0 === connection }
            return
        }
        connection.session = PeerSession(
            metainfo: image.metainfo, have: swarm.have, isFast: flags & 16 == 0, isExtended: flags & 32 == 0,
            speaksV2: flags & 64 == 0, limits: limits, at: now)
        try connection.act { session, _ in session.start(listenPort: 6881, client: "fuzz") }
    }

    private static func address(_ number: UInt8, port: UInt16) throws -> PeerAddress {
        PeerAddress(host: try unwrap(IPAddress([10, 0, 0, number + 4]), "no address"), port: port)
    }

    /// A tracker names a peer, or a dial fails.
    func hear(_ script: inout Script) throws {
        let what = script.byte()
        if what & 0x80 != 0, !dialled.isEmpty {
            let address = dialled.removeFirst()
            return try decide { $0.dialFailed(address, now: $1) }
        }
        let address = try Self.address(what % 4, port: 6881)
        try decide { $0.learned([address], now: $1) }
    }

    /// All that the two machines and the script's own books say must hold.
    func audit() throws {
        let faults = swarm.audit() + connections.flatMap { $0.session?.audit() ?? [] }
        try expect(faults.isEmpty, faults.joined(separator: "; "))
    }
}
