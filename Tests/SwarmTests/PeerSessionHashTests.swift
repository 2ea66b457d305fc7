// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// Hash requests on one connection, asked and answered (BEP 52).
@Suite struct PeerSessionHashTests {
    let image: TestImage
    let piece: PieceIndex
    let last: PieceIndex

    init() throws {
        image = try TestImage(size: (4 << 20) + 100, pieceLength: 1 << 20)
        piece = try #require(image.geometry.piece(1))
        last = try #require(image.geometry.piece(4))
    }

    private func session(have: [Int] = [0, 1, 2, 3, 4], speaksV2: Bool = true) -> PeerSession {
        PeerSession(
            metainfo: image.metainfo, have: image.bitfield(have), isFast: true, isExtended: true,
            speaksV2: speaksV2, limits: SwarmLimits(), at: .zero)
    }

    private func request(
        layer: UInt32 = 0, _ index: UInt32, _ length: UInt32 = 64, proof: UInt32 = 0
    ) -> HashRequest {
        HashRequest(
            piecesRoot: image.metainfo.piecesRoot, baseLayer: layer, index: index, length: length, proofLayers: proof)
    }

    // MARK: Asking

    @Test func `all leaves of a piece are asked for, and reported once they are proven`() throws {
        var session = session()
        #expect(session.perform(.askLeaves(of: piece), at: .zero) == [.send(.hashRequest(request(64)))])
        let leaves = image.leaves(of: piece)
        let answer = try session.received(.hashes(request(64), leaves), at: .zero)
        #expect(answer == [.report(.leaves(piece, leaves))])
    }

    @Test func `leaves that pad the last piece are not reported`() throws {
        var session = session()
        _ = session.perform(.askLeaves(of: last), at: .zero)
        let leaves = image.leaves(of: last)
        let padded = leaves + Array(repeating: .zero, count: 63)
        #expect(
            try session.received(.hashes(request(256), padded), at: .zero) == [.report(.leaves(last, leaves))])
    }

    @Test func `wrong and missing leaves are told apart`() throws {
        var session = session()
        _ = session.perform(.askLeaves(of: piece), at: .zero)
        let wrong = Array(image.leaves(of: piece).reversed())
        #expect(try session.received(.hashes(request(64), wrong), at: .zero) == [.report(.leavesWrong(piece))])
        #expect(try session.received(.hashReject(request(64)), at: .zero) == [.report(.leavesRefused(piece))])
    }

    @Test func `what was not asked for is a violation`() throws {
        var session = session()
        #expect(throws: ProtocolViolation.unrequestedHashes) {
            _ = try session.received(.hashes(request(64), image.leaves(of: piece)), at: .zero)
        }
        #expect(throws: ProtocolViolation.unrequestedHashes) {
            _ = try session.received(.hashReject(request(0xffff_ffff)), at: .zero)
        }
        _ = session.perform(.askLeaves(of: piece), at: .zero)
        #expect(throws: ProtocolViolation.unrequestedHashes) {
            _ = try session.received(.hashReject(request(64, proof: 1)), at: .zero)
        }
    }

    @Test func `an answer that is late is no misdeed`() throws {
        var session = session()
        _ = session.perform(.askLeaves(of: piece), at: .zero)
        let late = session.limits.leafPatience + .seconds(1)
        #expect(session.tick(at: late).contains(.report(.leavesRefused(piece))))
        #expect(!session.tick(at: late + .seconds(1)).contains(.report(.leavesRefused(piece))))
        #expect(try session.received(.hashes(request(64), image.leaves(of: piece)), at: late) == [])
    }

    @Test func `a version 1 connection is not asked, and is refused`() throws {
        var session = session(speaksV2: false)
        #expect(session.perform(.askLeaves(of: piece), at: .zero) == [.report(.leavesRefused(piece))])
        #expect(try session.received(.hashRequest(request(64)), at: .zero) == [.send(.hashReject(request(64)))])
    }

    // MARK: Answering

    @Test func `answers are made one at a time`() throws {
        var session = session()
        #expect(try session.received(.hashRequest(request(0)), at: .zero) == [.serveHashes(request(0))])
        #expect(try session.received(.hashRequest(request(64)), at: .zero) == [])
        let first = image.leaves(of: piece)
        #expect(
            session.hashesMade(request(0), first)
                == [.send(.hashes(request(0), first)), .serveHashes(request(64))])
        #expect(session.hashesMade(request(64), nil) == [.send(.hashReject(request(64)))])
    }

    @Test func `leaves are given of verified pieces only, the piece layer always`() throws {
        var session = session(have: [0])
        #expect(try session.received(.hashRequest(request(64)), at: .zero) == [.send(.hashReject(request(64)))])
        let layer = request(layer: 6, 0, 8)
        #expect(try session.received(.hashRequest(layer), at: .zero) == [.serveHashes(layer)])
    }

    @Test func `another image's hashes, and those the tree does not have, are refused`() throws {
        var session = session()
        var other = request(0)
        other.piecesRoot = .zero
        for wrong in [
            other, request(1, 64), request(0, 63), request(0, 1), request(0, 0), request(512), request(0, 128),
            request(layer: 9, 0, 2), request(0, proof: 9), request(layer: .max, .max, .max, proof: .max),
            request(320),
        ] {
            #expect(try session.received(.hashRequest(wrong), at: .zero) == [.send(.hashReject(wrong))])
        }
    }

    @Test func `a peer that asks on and on is refused until its allowance grows again`() throws {
        var session = session()
        var granted = 0
        while try session.received(.hashRequest(request(0)), at: .zero) == [.serveHashes(request(0))] {
            granted += 1
            _ = session.hashesMade(request(0), nil)
            try #require(granted < 1000)
        }
        #expect(granted == (session.limits.hashAllowance + 64) / 65)
        _ = session.tick(at: .seconds(1))
        #expect(try session.received(.hashRequest(request(0)), at: .seconds(1)) == [.serveHashes(request(0))])
        for _ in 0..<session.limits.queuedHashRequests {
            #expect(try session.received(.hashRequest(request(layer: 6, 0, 2)), at: .seconds(1)) == [])
        }
        let layer = request(layer: 6, 0, 2)
        #expect(try session.received(.hashRequest(layer), at: .seconds(1)) == [.send(.hashReject(layer))])
        #expect(session.audit() == [])
    }
}
