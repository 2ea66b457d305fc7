// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// One connection's fetching half, as scripts.
@Suite struct PeerSessionDownloadTests {
    let image: TestImage
    var geometry: PieceGeometry { image.geometry }
    let extents: [Extent]

    init() throws {
        image = try TestImage(size: (4 << 20) + 100, pieceLength: 1 << 20)
        extents = image.geometry.pieces.flatMap { [image] in image.geometry.extents(of: $0) }
    }

    private func session(isFast: Bool = true, limits: SwarmLimits = SwarmLimits()) -> PeerSession {
        PeerSession(
            metainfo: image.metainfo, have: Bitfield(pieceCount: geometry.pieceCount), isFast: isFast,
            isExtended: true, speaksV2: true, limits: limits, at: .zero)
    }

    private func requests(_ effects: [PeerSession.Effect]) -> [BlockRequest] {
        effects.compactMap { if case .send(.request(let block)) = $0 { block } else { nil } }
    }

    /// Assigns extents and opens the first.
    private func begin(
        _ session: inout PeerSession, _ count: Int = 1, at now: Duration = .zero
    ) throws -> [BlockRequest] {
        _ = try session.received(.unchoke, at: now)
        _ = session.perform(.assign(loans(Array(extents.prefix(count)))), at: now)
        return requests(session.extentOpened(extents[0], at: now))
    }

    @discardableResult
    private func receive(
        _ block: BlockRequest, _ session: inout PeerSession, at now: Duration = .zero
    ) throws -> [PeerSession.Effect] {
        guard case .keep = try session.blockStarted(block, at: now) else { return [] }
        return session.blockEnded(block, at: now)
    }

    @Test func `an unchoke makes the session hungry, and extents are opened one at a time`() throws {
        var session = session()
        let hunger = try session.received(.unchoke, at: .zero)
        #expect(hunger.contains { if case .report(.hungry(let blocks)) = $0 { blocks > 0 } else { false } })
        let effects = session.perform(.assign(loans(extents)), at: .zero)
        #expect(effects.filter { if case .open = $0 { true } else { false } } == [.open(extents[0])])
        #expect(requests(effects).isEmpty)
        let blocks = requests(session.extentOpened(extents[0], at: .zero))
        #expect(blocks.count == session.limits.initialPipeline)
        #expect(blocks.first == BlockRequest(piece: 0, begin: 0, length: 16384))
        #expect(session.audit() == [])
    }

    @Test func `each block makes room for the next request, until the extent is filled`() throws {
        var session = session()
        var queue = try begin(&session)
        var filled = false
        while !queue.isEmpty {
            let effects = try receive(queue.removeFirst(), &session)
            queue += requests(effects)
            filled = filled || effects.contains(.report(.filled(extents[0])))
        }
        #expect(filled)
        #expect(session.perform(.store(extents[0]), at: .zero) == [.store(Loan(extents[0]))])
    }

    /// What the peer says that it answers one request with.
    private func handshake(longestRequest: Int) -> PeerMessage {
        var handshake = ExtendedHandshake()
        handshake.longestRequest = longestRequest
        return .extended(id: ExtendedHandshake.messageID, payload: handshake.encoded)
    }

    /// Limits under which a pipeline may be one run.
    private var longRuns: SwarmLimits {
        var limits = SwarmLimits()
        limits.requestsPerPipeline = 1
        return limits
    }

    @Test func `a short pipeline is made of single blocks, a deep one of runs`() throws {
        var session = session()
        _ = try session.received(handshake(longestRequest: 262_144), at: .zero)
        var queue = try begin(&session, extents.count)
        #expect(queue.allSatisfy { $0.length == 16384 })
        var longest: UInt32 = 0
        while !queue.isEmpty {
            var effects = try receive(queue.removeFirst(), &session)
            queue += requests(effects)
            while let extent = effects.compactMap({ if case .open(let extent) = $0 { extent } else { nil } }).first {
                effects = session.extentOpened(extent, at: .zero)
                queue += requests(effects)
            }
            longest = max(longest, queue.map(\.length).max() ?? 0)
            #expect(session.audit() == [])
        }
        // Each block makes room for another, so that after 4 MiB the pipeline is some 250 blocks deep.
        #expect(longest > 2 * 16384)
    }

    @Test(arguments: [(262_144, 8), (65_536, 4), (1 << 60, 8), (16_384, 1), (1000, 1), (-1, 1)])
    func `consecutive blocks are asked for at once where the peer takes that`(length: Int, blocks: UInt32) throws {
        var session = session(limits: longRuns)
        _ = try session.received(handshake(longestRequest: length), at: .zero)
        var queue = try begin(&session)
        #expect(queue.count == 8 / Int(blocks))
        #expect(queue.first == BlockRequest(piece: 0, begin: 0, length: blocks * 16384))
        #expect(queue.reduce(0) { $0 + $1.length } == 8 * 16384)
        var filled = false
        while !queue.isEmpty {
            let effects = try receive(queue.removeFirst(), &session)
            #expect(session.audit() == [])
            queue += requests(effects)
            filled = filled || effects.contains(.report(.filled(extents[0])))
        }
        #expect(filled)
    }

    @Test func `a run that is answered in other pieces than it was asked for counts as not asked for`() throws {
        var session = session(limits: longRuns)
        _ = try session.received(handshake(longestRequest: 65_536), at: .zero)
        let blocks = try begin(&session)
        for odd in [(0, 16384), (16384, 49152), (0, 131_072), (65_536, 16384)] as [(UInt32, UInt32)] {
            let block = BlockRequest(piece: 0, begin: odd.0, length: odd.1)
            #expect(try session.blockStarted(block, at: .zero) == .discard)
        }
        #expect(try session.blockStarted(blocks[1], at: .zero) == .keep(extents[0], offset: 65_536))
        #expect(session.audit() == [])
    }

    @Test func `a run is cancelled and rejected as it was asked for`() throws {
        var session = session(limits: longRuns)
        _ = try session.received(handshake(longestRequest: 65_536), at: .zero)
        let blocks = try begin(&session)
        #expect(blocks.count == 2)
        let rejected = try session.received(.rejectRequest(blocks[0]), at: .zero)
        #expect(rejected.contains(.send(.cancel(blocks[1]))) && rejected.contains(.report(.returned([extents[0]]))))
        #expect(session.audit() == [])
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `runs answered, rejected and choked away in any order leave nothing out`(seed: UInt64) throws {
        var session = session()
        var random = TestRandom(state: seed)
        _ = try session.received(handshake(longestRequest: 16384 << (seed % 5)), at: .zero)
        var asked = try begin(&session)
        var brought = 0
        var filled = false
        for _ in 0..<10_000 where !filled {
            var effects: [PeerSession.Effect] = []
            let block = asked.randomElement(using: &random)
            switch UInt64.random(in: 0..<10, using: &random) {
            case 0:
                effects = try session.received(.choke, at: .zero)
                for block in asked { effects += try session.received(.rejectRequest(block), at: .zero) }
                asked.removeAll()
                effects += try session.received(.unchoke, at: .zero)
            default:
                guard let block else { continue }
                asked.removeAll { $0 == block }
                effects = try receive(block, &session)
                brought += Int(block.length)
            }
            asked += requests(effects)
            filled = effects.contains(.report(.filled(extents[0])))
            #expect(session.audit() == [])
            #expect(Set(asked).count == asked.count)
        }
        #expect(filled && brought == extents[0].length)
    }

    @Test func `the last short extent is asked for to the byte`() throws {
        var session = session()
        _ = try session.received(.unchoke, at: .zero)
        let last = try #require(extents.last)
        _ = session.perform(.assign(loans([last])), at: .zero)
        #expect(requests(session.extentOpened(last, at: .zero)) == [BlockRequest(piece: 4, begin: 0, length: 100)])
        let effects = try receive(BlockRequest(piece: 4, begin: 0, length: 100), &session)
        #expect(effects.contains(.report(.filled(last))))
    }

    @Test(arguments: [true, false])
    func `what a choke interrupted is asked for again after the unchoke`(isFast: Bool) throws {
        var session = session(isFast: isFast)
        let blocks = try begin(&session)
        try receive(blocks[0], &session)
        _ = try session.received(.choke, at: .zero)
        if isFast { for block in blocks[1...] { _ = try session.received(.rejectRequest(block), at: .zero) } }
        #expect(session.audit() == [])
        let again = requests(try session.received(.unchoke, at: .seconds(1)))
        #expect(Set(again).isSuperset(of: blocks[1...]))
        #expect(!again.contains(blocks[0]))
    }

    @Test func `the session is no longer hungry when it is choked`() throws {
        var session = session()
        _ = try session.received(.unchoke, at: .zero)
        #expect(
            try session.received(.choke, at: .zero) == [.report(.hungry(blocks: 0)), .report(.serves(false))])
    }

    @Test func `a choke that lasts gives the work back`() throws {
        var session = session()
        _ = try begin(&session, 3)
        _ = try session.received(.choke, at: .zero)
        #expect(!session.tick(at: .seconds(2)).contains { if case .report(.returned) = $0 { true } else { false } })
        let effects = session.tick(at: .seconds(20))
        #expect(effects.contains(.report(.returned([extents[0]]))))
        #expect(effects.contains(.release(extents[0])))
        #expect(session.audit() == [])
    }

    @Test func `a stalled peer's work goes back, and a late answer makes it hungry again`() throws {
        var session = session()
        let blocks = try begin(&session)
        let stalled = session.tick(at: .seconds(11))
        #expect(stalled.contains(.report(.returned([extents[0]]))))
        #expect(session.perform(.assign(loans([extents[1]])), at: .seconds(11)) == [.report(.returned([extents[1]]))])
        #expect(try session.blockStarted(blocks[0], at: .seconds(12)) == .discard)
        let effects = session.tick(at: .seconds(13))
        #expect(effects.contains { if case .report(.hungry(let blocks)) = $0 { blocks > 0 } else { false } })
    }

    @Test func `a peer that stalls while it waits for more work is given none`() throws {
        var session = session()
        _ = try session.received(.unchoke, at: .zero)
        let last = try #require(extents.last)
        let hungry = session.perform(.assign(loans([last])), at: .zero)
        #expect(hungry.contains { if case .report(.hungry(let blocks)) = $0 { blocks > 0 } else { false } })
        _ = session.extentOpened(last, at: .zero)
        #expect(session.tick(at: .seconds(11)).contains(.report(.hungry(blocks: 0))))
    }

    @Test func `a peer that stays stalled is closed`() throws {
        var session = session()
        _ = try begin(&session)
        for second in 1...59 {
            _ = try session.received(.keepAlive, at: .seconds(second))
            #expect(!session.tick(at: .seconds(second)).contains(.close(.stalled)))
        }
        _ = try session.received(.keepAlive, at: .seconds(62))
        #expect(session.tick(at: .seconds(62)).contains(.close(.stalled)))
    }

    @Test func `a peer that rejects whatever it is asked is left alone`() throws {
        var session = session()
        _ = try session.received(.unchoke, at: .zero)
        var rounds = 0
        while rounds < 1000 {
            _ = session.perform(.assign(loans([extents[0]])), at: .zero)
            let blocks = requests(session.extentOpened(extents[0], at: .zero))
            if blocks.isEmpty { break }
            for block in blocks { _ = try session.received(.rejectRequest(block), at: .zero) }
            rounds += 1
        }
        #expect(rounds < 200)
        #expect(requests(session.tick(at: .seconds(1))).isEmpty)
    }

    @Test func `an order to store what was cancelled meanwhile gives the extent back`() throws {
        var session = session()
        var queue = try begin(&session)
        while !queue.isEmpty { queue += requests(try receive(queue.removeFirst(), &session)) }
        #expect(session.perform(.cancel(extents[0]), at: .zero).contains(.release(extents[0])))
        _ = session.perform(.assign(loans([extents[0]])), at: .zero)
        let effects = session.perform(.store(extents[0]), at: .zero)
        #expect(effects.contains(.report(.returned([extents[0]]))))
        #expect(!effects.contains(.store(Loan(extents[0]))))
        #expect(session.audit() == [])
    }

    @Test func `a block that was half way when its extent changed hands does not count`() throws {
        var session = session()
        let blocks = try begin(&session)
        #expect(try session.blockStarted(blocks[0], at: .zero) == .keep(extents[0], offset: 0))
        _ = session.perform(.cancel(extents[0]), at: .zero)
        _ = session.perform(.assign(loans([extents[0]])), at: .zero)
        #expect(requests(session.extentOpened(extents[0], at: .zero)).contains(blocks[0]))
        _ = session.blockEnded(blocks[0], at: .zero)
        #expect(session.audit() == [])
        #expect(try session.blockStarted(blocks[0], at: .zero) == .keep(extents[0], offset: 0))
    }

    @Test func `an extent that is given twice is fetched once`() throws {
        var session = session()
        _ = try begin(&session)
        _ = session.perform(.assign(loans([extents[0], extents[1], extents[1]])), at: .zero)
        #expect(session.audit() == [])
    }

    @Test func `blocks that nobody asked for are forgiven a few times`() throws {
        var session = session()
        for _ in 0..<session.limits.unrequestedBlocks {
            #expect(try session.blockStarted(BlockRequest(piece: 0, begin: 0, length: 16384), at: .zero) == .discard)
        }
        #expect(throws: ProtocolViolation.unrequestedBlock) {
            try session.blockStarted(BlockRequest(piece: 0, begin: 0, length: 16384), at: .zero)
        }
    }

    /// What a slow, honest peer does whose requests were given up and made again, each time it was thought dead.
    @Test func `a request that was withdrawn twice may be answered twice`() throws {
        var limits = SwarmLimits()
        limits.unrequestedBlocks = 0
        var session = session(limits: limits)
        var blocks = try begin(&session)
        for _ in 0..<2 {
            _ = session.perform(.cancel(extents[0]), at: .zero)
            _ = session.perform(.assign(loans([extents[0]])), at: .zero)
            blocks = requests(session.extentOpened(extents[0], at: .zero))
        }
        // Of three answers to each request the first is taken for that to the last.
        for block in blocks { try receive(block, &session) }
        for _ in 0..<2 {
            for block in blocks { #expect(try session.blockStarted(block, at: .zero) == .discard) }
        }
        #expect(throws: ProtocolViolation.unrequestedBlock) { try session.blockStarted(blocks[0], at: .zero) }
    }

    @Test func `a peer that never answers cancels is not blamed for late blocks after thousands of them`() throws {
        var limits = SwarmLimits()
        limits.rememberedCancels = 128
        limits.unrequestedBlocks = 0
        var session = session(isFast: false, limits: limits)
        _ = try session.received(.unchoke, at: .zero)
        for round in 0..<400 {
            let extent = extents[round % 4]
            _ = session.perform(.assign(loans([extent])), at: .zero)
            let blocks = requests(session.extentOpened(extent, at: .zero))
            _ = session.perform(.cancel(extent), at: .zero)
            let last = try #require(blocks.last)
            #expect(try session.blockStarted(last, at: .zero) == .discard)
        }
        #expect(session.audit() == [])
    }

    @Test func `a long delay does not starve the pipeline`() throws {
        var session = session()
        var queue = try begin(&session, 5)
        var now = Duration.zero
        // Everything that was asked for arrives half a second later.
        for _ in 0..<3 {
            now += .milliseconds(500)
            let arriving = queue
            queue = []
            for block in arriving {
                let effects = try receive(block, &session, at: now)
                queue += requests(effects)
                for case .open(let extent) in effects { queue += requests(session.extentOpened(extent, at: now)) }
            }
            let effects = session.tick(at: now)
            queue += requests(effects)
            for case .open(let extent) in effects { queue += requests(session.extentOpened(extent, at: now)) }
        }
        #expect(queue.count > 32)
    }
}
