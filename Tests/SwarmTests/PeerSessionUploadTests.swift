// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// One connection's serving half, and what strangers may do to it.
@Suite struct PeerSessionUploadTests {
    let image: TestImage
    var geometry: PieceGeometry { image.geometry }

    init() throws { image = try TestImage(size: (4 << 20) + 100, pieceLength: 1 << 20) }

    private func session(isFast: Bool = true, have: Bool = true) -> PeerSession {
        PeerSession(
            metainfo: image.metainfo,
            have: have ? Bitfield(full: geometry) : Bitfield(pieceCount: geometry.pieceCount),
            isFast: isFast, isExtended: true, speaksV2: true, limits: SwarmLimits(), at: .zero)
    }

    private func block(_ number: Int, of piece: UInt32 = 0) -> BlockRequest {
        BlockRequest(piece: piece, begin: UInt32(number * 16384), length: 16384)
    }

    @Test func `claims are told to those who want to know, and read when they are whole`() throws {
        var session = session(have: false)
        let (one, two) = (try #require(geometry.piece(1)), try #require(geometry.piece(2)))
        #expect(session.perform(.claim([one, two]), at: .zero) == [])
        var handshake = ExtendedHandshake()
        handshake.extensions = [ExtendedMessage.claimsName: 9]
        _ = try session.received(.extended(id: 0, payload: handshake.encoded), at: .zero)
        let payload: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 2]
        #expect(session.perform(.claim([one, two]), at: .zero) == [.send(.extended(id: 9, payload: payload))])
        #expect(try session.received(.extended(id: 3, payload: payload), at: .zero) == [.report(.claims([one, two]))])
        for bad in [[], [0, 0, 0], [UInt8](repeating: 0, count: 260), [0xff, 0, 0, 0]] {
            #expect(throws: ProtocolViolation.self) { try session.received(.extended(id: 3, payload: bad), at: .zero) }
        }
    }

    @Test func `what to come for is suggested to those who know that message, and read`() throws {
        let one = try #require(geometry.piece(1))
        var (fast, plain) = (session(), session(isFast: false))
        #expect(fast.perform(.suggest([one]), at: .zero) == [.send(.suggestPiece(1))])
        #expect(plain.perform(.suggest([one]), at: .zero) == [])
        #expect(try fast.received(.suggestPiece(1), at: .zero) == [.report(.suggested(one))])
        #expect(throws: ProtocolViolation.outOfRange) { try fast.received(.suggestPiece(5), at: .zero) }
    }

    @Test func `news goes along with what is said anyway, or at the next tick`() throws {
        var session = session(have: false)
        let (one, two) = (try #require(geometry.piece(1)), try #require(geometry.piece(2)))
        #expect(session.perform(.mention(one), at: .zero) == [])
        #expect(session.perform(.setInterested(true), at: .zero) == [.send(.have(1)), .send(.interested)])
        #expect(session.perform(.mention(two), at: .zero) == [])
        #expect(session.tick(at: .milliseconds(500)).contains(.send(.have(2))))
        #expect(!session.tick(at: .seconds(1)).contains(.send(.have(2))))
    }

    @Test func `the first messages say what this side has`() {
        var full = session()
        #expect(full.start(listenPort: 1, client: "x").contains(.send(.haveAll)))
        var empty = session(have: false)
        #expect(empty.start(listenPort: 1, client: "x").contains(.send(.haveNone)))
        var plain = session(isFast: false)
        #expect(plain.start(listenPort: 1, client: "x").contains(.send(.bitfield([0xf8]))))
    }

    @Test func `the peer is told when this side needs nothing any more, if it wants to hear it`() throws {
        var full = session()
        let first = full.start(listenPort: 1, client: "x")
        guard case .send(.extended(0, let payload)) = first.first else { throw ProtocolViolation.badExtendedHandshake }
        let handshake = try ExtendedHandshake(payload)
        #expect(handshake.isUploadOnly)
        #expect(handshake.extensions["lt_donthave"] == 1 && handshake.extensions["upload_only"] == 2)
        for number: UInt8? in [nil, 0, 9] {
            var session = session(have: false)
            var theirs = ExtendedHandshake()
            theirs.extensions["upload_only"] = number
            _ = try session.received(.extended(id: 0, payload: theirs.encoded), at: .zero)
            for piece in geometry.pieces.dropLast() { _ = session.perform(.have(piece), at: .zero) }
            let last = try #require(geometry.piece(4))
            var expected: [PeerSession.Effect] = [.send(.have(4))]
            if number == 9 { expected.append(.send(.extended(id: 9, payload: [1]))) }
            #expect(session.perform(.have(last), at: .zero) == expected)
        }
    }

    @Test func `what a peer lost, and that it fetches nothing, is reported`() throws {
        var session = session()
        let piece = try #require(geometry.piece(3))
        #expect(try session.received(.extended(id: 1, payload: [0, 0, 0, 3]), at: .zero) == [.report(.lost(piece))])
        #expect(try session.received(.extended(id: 2, payload: [1]), at: .zero) == [.report(.uploadOnly(true))])
        #expect(try session.received(.extended(id: 2, payload: [0]), at: .zero) == [.report(.uploadOnly(false))])
        #expect(try session.received(.extended(id: 77, payload: []), at: .zero) == [])
        #expect(throws: ProtocolViolation.outOfRange) {
            _ = try session.received(.extended(id: 1, payload: [0, 0, 0, 5]), at: .zero)
        }
        for (id, payload) in [(1, [0, 0, 3]), (2, []), (2, [1, 1])] as [(UInt8, [UInt8])] {
            #expect(throws: ProtocolViolation.badExtendedMessage) {
                _ = try session.received(.extended(id: id, payload: payload), at: .zero)
            }
        }
    }

    /// What is said once of each piece that is served.
    private func gives(_ piece: Int) throws -> PeerSession.Effect {
        .report(.gives(try #require(geometry.piece(piece))))
    }

    @Test func `consecutive blocks become one read, and only two reads are under way`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        #expect(try session.received(.request(block(0)), at: .zero) == [.serve([block(0)]), try gives(0)])
        #expect(try session.received(.request(block(1)), at: .zero) == [.serve([block(1)])])
        for number in [2, 3, 4, 9, 10] { #expect(try session.received(.request(block(number)), at: .zero) == []) }
        #expect(session.served(bytes: 16384, at: .zero) == [.serve([block(2), block(3), block(4)])])
        #expect(session.served(bytes: 16384, at: .zero) == [.serve([block(9), block(10)])])
    }

    @Test func `the last block may be asked for whole, as libtorrent does, but not what lies behind it`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        let whole = BlockRequest(piece: 4, begin: 0, length: 16384)
        #expect(try session.received(.request(whole), at: .zero) == [.serve([whole]), try gives(4)])
        for wrong in [
            BlockRequest(piece: 4, begin: 0, length: 16385), BlockRequest(piece: 4, begin: 100, length: 16384),
            BlockRequest(piece: 4, begin: 16384, length: 1),
        ] {
            #expect(throws: ProtocolViolation.outOfRange) { _ = try session.received(.request(wrong), at: .zero) }
        }
    }

    @Test func `a run does not cross into another piece`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        _ = try session.received(.request(block(5)), at: .zero)
        _ = try session.received(.request(block(6)), at: .zero)
        _ = try session.received(.request(block(63)), at: .zero)
        _ = try session.received(.request(block(0, of: 1)), at: .zero)
        #expect(session.served(bytes: 16384, at: .zero) == [.serve([block(63)])])
    }

    @Test func `a choke rejects what is queued and what comes later`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        for number in [0, 2, 4] { _ = try session.received(.request(block(number)), at: .zero) }
        #expect(session.perform(.setChoking(true), at: .zero) == [.send(.choke), .send(.rejectRequest(block(4)))])
        #expect(try session.received(.request(block(7)), at: .zero) == [.send(.rejectRequest(block(7)))])
        var plain = self.session(isFast: false)
        #expect(try plain.received(.request(block(7)), at: .zero) == [])
    }

    @Test func `a cancelled request is rejected, one under way is served`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        for number in [0, 2, 4] { _ = try session.received(.request(block(number)), at: .zero) }
        #expect(try session.received(.cancel(block(4)), at: .zero) == [.send(.rejectRequest(block(4)))])
        #expect(try session.received(.cancel(block(0)), at: .zero) == [])
    }

    @Test func `what is not verified is not served`() throws {
        var session = session(have: false)
        _ = session.perform(.setChoking(false), at: .zero)
        #expect(try session.received(.request(block(0)), at: .zero) == [.send(.rejectRequest(block(0)))])
        let piece = try #require(geometry.piece(0))
        #expect(session.perform(.have(piece), at: .zero) == [.send(.have(0))])
        #expect(try session.received(.request(block(0)), at: .zero) == [.serve([block(0)]), try gives(0)])
    }

    @Test func `requests without end while choked end the connection`() throws {
        var session = session()
        #expect(throws: ProtocolViolation.requestFlood) {
            for _ in 0..<10_000 { _ = try session.received(.request(block(0)), at: .zero) }
        }
    }

    private static let nonsense: [(PeerMessage, ProtocolViolation)] = [
        (.have(5), .outOfRange),
        (.have(.max), .outOfRange),
        (.bitfield([0xff]), .badBitfield),
        (.bitfield([0xf8, 0]), .badBitfield),
        (.bitfield([]), .badBitfield),
        (.request(BlockRequest(piece: 5, begin: 0, length: 1)), .outOfRange),
        (.request(BlockRequest(piece: 0, begin: 1 << 20, length: 1)), .outOfRange),
        (.request(BlockRequest(piece: 0, begin: .max, length: .max)), .outOfRange),
        (.request(BlockRequest(piece: 0, begin: 0, length: 0)), .outOfRange),
        (.request(BlockRequest(piece: 0, begin: 0, length: (256 << 10) + 1)), .outOfRange),
        (.request(BlockRequest(piece: 4, begin: 100, length: 1)), .outOfRange),
        (.extended(id: 0, payload: [1, 2, 3]), .badExtendedHandshake),
    ]

    @Test(arguments: nonsense)
    func `nonsense is a typed violation`(message: PeerMessage, violation: ProtocolViolation) {
        var session = session()
        #expect(throws: violation) { _ = try session.received(message, at: .zero) }
    }

    @Test func `a run of blocks may be asked for at once by those who speak the extension protocol`() throws {
        let run = BlockRequest(piece: 0, begin: 16384, length: 256 << 10)
        var extended = session()
        _ = extended.perform(.setChoking(false), at: .zero)
        #expect(try extended.received(.request(run), at: .zero).contains(.serve([run])))
        var plain = PeerSession(
            metainfo: image.metainfo, have: Bitfield(full: image.geometry), isFast: true, isExtended: false,
            speaksV2: true, limits: SwarmLimits(), at: .zero)
        _ = plain.perform(.setChoking(false), at: .zero)
        #expect(throws: ProtocolViolation.outOfRange) { _ = try plain.received(.request(run), at: .zero) }
    }

    @Test func `one read serves no more than it may, however long the requests are`() throws {
        var session = session()
        _ = session.perform(.setChoking(false), at: .zero)
        let half = UInt32(SwarmLimits().fewestBlocksPerRead * 16384 / 2)
        // Two reads are under way before the others are looked at together.
        let served = try (0..<5).flatMap { number in
            try session.received(.request(BlockRequest(piece: 0, begin: number * half, length: half)), at: .zero)
        }
        #expect(served.filter { if case .serve(let run) = $0 { run.count == 1 } else { false } }.count == 2)
        let next = session.served(bytes: Int(half), at: .zero)
        #expect(next.contains { if case .serve(let run) = $0 { run.count == 2 } else { false } })
    }

    @Test func `fast messages without the extension are violations`() {
        var plain = session(isFast: false)
        #expect(throws: ProtocolViolation.fastNotNegotiated) { _ = try plain.received(.haveNone, at: .zero) }
    }

    @Test func `a later bitfield is the new truth, and many of them are a flood`() throws {
        var session = session()
        _ = try session.received(.have(0), at: .zero)
        for _ in 0..<session.limits.bitfieldsPerTick {
            let effects = try session.received(.bitfield([0x50]), at: .zero)
            let pieces = try #require(Bitfield(wire: [0x50], pieceCount: session.geometry.pieceCount))
            #expect(effects == [.report(.pieces(pieces))])
        }
        #expect(throws: ProtocolViolation.flood) { _ = try session.received(.haveAll, at: .zero) }
        _ = session.tick(at: .seconds(1))
        #expect(try session.received(.haveNone, at: .seconds(1)).count == 1)
    }

    @Test func `a flood of control messages ends the connection, and a tick forgives what came before`() throws {
        var flooded = session()
        let most = flooded.limits.reportsPerTick + flooded.geometry.pieceCount
        for _ in 0..<most { _ = try flooded.received(.interested, at: .zero) }
        #expect(throws: ProtocolViolation.flood) { _ = try flooded.received(.interested, at: .zero) }
        _ = flooded.tick(at: .seconds(1))
        #expect(try flooded.received(.interested, at: .seconds(1)) == [.report(.interested(true))])
    }

    @Test func `silence is answered with keep-alives and at last with the end`() {
        var session = session()
        #expect(session.tick(at: .seconds(100)).contains(.send(.keepAlive)))
        #expect(session.tick(at: .seconds(121)) == [.close(.idle)])
    }

    @Test func `no sequence of messages and commands traps or unbalances the books`() throws {
        for seed in 0..<400 as Range<UInt64> {
            var random = TestRandom(state: seed &* 77_777)
            var session = session(isFast: seed % 3 != 0, have: seed % 2 == 0)
            let extents: [Extent] = geometry.pieces.flatMap { [geometry] in geometry.extents(of: $0) }
            var now = Duration.zero
            func number() -> UInt32 {
                let odd: [UInt32] = [0, 1, 3, 4, 5, 100, 16384, 1 << 20, .max]
                return odd[Int.random(in: 0..<odd.count, using: &random)]
            }
            func request() -> BlockRequest {
                if Bool.random(using: &random) {
                    return block(Int.random(in: 0..<64, using: &random), of: UInt32.random(in: 0..<4, using: &random))
                }
                return BlockRequest(piece: number(), begin: number(), length: number())
            }
            func hashRequest() -> HashRequest {
                HashRequest(
                    piecesRoot: image.metainfo.piecesRoot, baseLayer: number() % 8, index: number() & ~63,
                    length: Bool.random(using: &random) ? 64 : number(), proofLayers: number() % 3)
            }
            for _ in 0..<300 {
                now += .milliseconds(Int.random(in: 0..<400, using: &random))
                let extent = extents[Int.random(in: 0..<extents.count, using: &random)]
                var effects: [PeerSession.Effect] = []
                do throws(ProtocolViolation) {
                    switch Int.random(in: 0..<27, using: &random) {
                    case 0: effects = try session.received(.choke, at: now)
                    case 1...3: effects = try session.received(.unchoke, at: now)
                    case 4: effects = try session.received(.interested, at: now)
                    case 5: effects = try session.received(.have(number() % 5), at: now)
                    case 6...7: effects = try session.received(.request(request()), at: now)
                    case 8: effects = try session.received(.cancel(request()), at: now)
                    case 9...10: effects = try session.received(.rejectRequest(request()), at: now)
                    case 11...14:
                        let block = request()
                        if case .keep = try session.blockStarted(block, at: now) {
                            if Bool.random(using: &random) { effects += session.perform(.cancel(extent), at: now) }
                            effects += session.blockEnded(block, at: now)
                        }
                    case 15: effects = session.tick(at: now)
                    case 16...17: effects = session.perform(.assign(loans([extent])), at: now)
                    case 18: effects = session.perform(.cancel(extent), at: now)
                    case 19: effects = session.perform(.store(extent), at: now)
                    case 20: effects = session.perform(.setChoking(Bool.random(using: &random)), at: now)
                    case 21: effects = session.perform(.askLeaves(of: extent.piece), at: now)
                    case 22: effects = try session.received(.hashRequest(hashRequest()), at: now)
                    case 23: effects = try session.received(.hashReject(hashRequest()), at: now)
                    case 24: effects = try session.received(.hashes(hashRequest(), []), at: now)
                    case 25:
                        let payload = (0..<Int.random(in: 0..<6, using: &random)).map { _ in UInt8(number() & 0xff) }
                        effects = try session.received(.extended(id: UInt8(number() & 3), payload: payload), at: now)
                    default: effects = session.extentOpened(extent, at: now)
                    }
                } catch {
                    // A typed violation is a fine answer; the session must stay sound even so.
                }
                for case .serveHashes(let request) in effects { effects += session.hashesMade(request, nil) }
                for case .serve in effects where Bool.random(using: &random) {
                    _ = session.served(bytes: 16384, at: now)
                }
                let faults = session.audit()
                #expect(faults == [], "seed \(seed)")
                if !faults.isEmpty { return }
            }
        }
    }
}
