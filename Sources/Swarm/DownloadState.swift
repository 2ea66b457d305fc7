// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import PeerProtocol

/// The fetching half of a connection: the extents on loan and the requests outstanding.
struct DownloadState: Sendable {
    /// Loans not begun, in the order they were assigned.
    var waiting: [Loan] = []
    var open: [OpenExtent] = []
    /// Loans reported as filled, whose bytes wait for the order to be stored or forgotten.
    var filled: [Loan] = []
    /// The block whose bytes are arriving, while they are wanted.
    var arriving: BlockRequest?
    /// Blocks asked for that have not come.
    var outstanding = 0
    var isChoked = true
    /// Whether a `hungry` report waits for its answer.
    var isHungry = false
    /// Requests that were withdrawn and whose answers may still arrive.
    var withdrawn: WithdrawnRequests
    var unrequestedCount = 0
    /// Rejects since the last block.
    var rejectCount = 0
    /// Consecutive blocks that the peer answers one request for.
    var blocksPerRequest = 1
    /// How many outstanding requests the peer says it keeps; 250 is what libtorrent assumes of silent ones.
    var peerQueue = 250
    var pipeline: Int
    var bytesReceived = 0
    /// Smoothed bytes a second.
    var rate = 0.0
    /// Whether the pipeline's depth follows from a rate that was measured.
    private var isMeasured = false
    /// Whether something arrived in the span before; the first one is seldom a whole one.
    private var isFlowing = false
    /// The time from the first request on an idle connection to the block that answered it.
    var latency = 0.0
    var firstRequest: Duration?
    var lastProgress: Duration
    var chokedSince: Duration?
    /// Since when the peer has been left without work because it left requests unanswered. Ends with a block, a choke
    /// or an unchoke.
    var stalledSince: Duration?

    init(limits: SwarmLimits, at now: Duration) {
        pipeline = limits.initialPipeline
        withdrawn = WithdrawnRequests(limit: limits.rememberedCancels)
        lastProgress = now
    }

    /// The blocks on loan that have not been requested yet.
    var backlog: Int {
        waiting.reduce(0) { $0 + $1.blockCount } + open.reduce(0) { $0 + $1.unrequested.nonzeroBitCount }
    }

    mutating func unchoked(at now: Duration) {
        isChoked = false
        chokedSince = nil
        stalledSince = nil
        rejectCount = 0
        lastProgress = now
    }

    /// Blocks arrived. Until there is a rate, each one makes room for another, so that the pipeline doubles as often as it
    /// is emptied.
    mutating func grow(by blocks: Int, limits: SwarmLimits) {
        if !isMeasured { pipeline = min(pipeline + blocks, limits.maximumPipeline) }
    }

    mutating func measure(received: Int, seconds: Double, limits: SwarmLimits) {
        let current = Double(received) / seconds
        rate = rate == 0 ? current : rate * 0.6 + current * 0.4
        let wasFlowing = isFlowing
        isFlowing = received > 0
        guard received > 0, isMeasured || wasFlowing else { return }
        // Twice the delay, since over a long way a rate that is held back by the depth has to be let grow.
        let time = limits.pipelineTime + 2 * min(latency, 1)
        isMeasured = true
        let wanted = Int((rate * time / Double(PieceGeometry.blockLength)).rounded(.up))
        pipeline = max(limits.minimumPipeline, min(wanted, limits.maximumPipeline))
    }
}

extension PeerSession {
    mutating func assign(_ loans: [Loan], at now: Duration) -> [Effect] {
        download.isHungry = false
        // The order crossed the news that the peer has stalled.
        if download.stalledSince != nil { return [.report(.returned(loans.map(\.extent)))] }
        // An extent that is still here from an earlier loan stays as it is.
        for loan in loans where !isOnLoan(loan.extent) { download.waiting.append(loan) }
        return fill(at: now)
    }

    private func isOnLoan(_ extent: Extent) -> Bool {
        download.filled.contains { $0.extent == extent } || download.waiting.contains { $0.extent == extent }
            || download.open.contains { $0.extent == extent }
    }

    /// The order to store an extent. When it answers a report that a cancel has overtaken, there is nothing to store,
    /// and the extent goes back.
    mutating func store(_ extent: Extent, at now: Duration) -> [Effect] {
        if let index = download.filled.firstIndex(where: { $0.extent == extent }) {
            return [.store(download.filled.remove(at: index))]
        }
        return cancel(extent, at: now) + [.report(.returned([extent]))]
    }

    mutating func choked(at now: Duration) -> [Effect] {
        download.isChoked = true
        download.chokedSince = now
        download.stalledSince = nil
        // Without the fast extension a choke silently drops the peer's queue; with it every request is still answered.
        if !isFast {
            for index in download.open.indices {
                for run in download.open[index].runs {
                    download.withdrawn.insert(request(download.open[index].extent, run))
                    download.open[index].withdraw(run)
                }
            }
            download.outstanding = 0
        }
        return noLongerHungry()
    }

    private mutating func noLongerHungry() -> [Effect] {
        guard download.isHungry else { return [] }
        download.isHungry = false
        return [.report(.hungry(blocks: 0))]
    }

    /// Room for the extent's bytes was found.
    package mutating func extentOpened(_ extent: Extent, at now: Duration) -> [Effect] {
        guard let index = download.open.firstIndex(where: { $0.extent == extent }) else { return [.release(extent)] }
        download.open[index].isReady = true
        return fill(at: now)
    }

    /// The header of a block, or of a run of them that was asked for at once, arrived; its bytes follow.
    /// - Throws: ``ProtocolViolation/unrequestedBlock`` after too many blocks that were never asked for.
    package mutating func blockStarted(
        _ block: BlockRequest, at now: Duration
    ) throws(ProtocolViolation) -> OnBlock {
        heard(at: now)
        download.arriving = nil
        if let (index, _) = place(of: block) {
            let extent = download.open[index].extent
            download.arriving = block
            // checked: the block is one of the extent's.
            return .keep(extent, offset: Int(block.begin) - extent.begin)
        }
        if download.withdrawn.remove(block) {
            // Late, but a sign of life: the next tick asks for work again.
            download.stalledSince = nil
            return .discard
        }
        download.unrequestedCount += 1
        guard download.unrequestedCount <= limits.unrequestedBlocks else { throw .unrequestedBlock }
        return .discard
    }

    /// All bytes of the block that ``blockStarted(_:at:)`` wanted kept have arrived.
    package mutating func blockEnded(_ block: BlockRequest, at now: Duration) -> [Effect] {
        heard(at: now)
        // The extent may have been taken away while the bytes came in, and even be here again with other room.
        guard download.arriving == block else { return [] }
        download.arriving = nil
        guard let (index, run) = place(of: block) else { return [] }
        download.open[index].receive(run)
        download.outstanding -= run.count
        download.bytesReceived += Int(block.length)
        download.grow(by: run.count, limits: limits)
        download.lastProgress = now
        download.stalledSince = nil
        download.rejectCount = 0
        if let sent = download.firstRequest {
            download.latency = (now - sent).seconds
            download.firstRequest = nil
        }
        var effects: [Effect] = []
        if download.open[index].isFilled {
            let loan = download.open.remove(at: index).loan
            download.filled.append(loan)
            effects.append(.report(.filled(loan.extent)))
        }
        return effects + fill(at: now)
    }

    /// Sends requests until the pipeline is full, and asks for more work when what is on loan will not fill it.
    mutating func fill(at now: Duration) -> [Effect] {
        guard !download.isChoked else { return [] }
        var effects: [Effect] = []
        let depth = max(1, min(download.pipeline, download.peerQueue))
        let wasIdle = download.outstanding == 0
        if wasIdle { download.lastProgress = now }
        // Requests go out several at a time: one for each block that arrives would cost both sides a packet each.
        let isWorthwhile = depth - download.outstanding >= max(1, depth / 4)
        // Where blocks take their time, single ones of several peers come in turn, and sooner can others have them.
        let run = max(1, min(download.blocksPerRequest, depth / limits.requestsPerPipeline))
        for index in download.open.indices where download.open[index].isReady && isWorthwhile {
            while let run = download.open[index].request(atMost: min(run, depth - download.outstanding)) {
                download.outstanding += run.count
                effects.append(.send(.request(request(download.open[index].extent, run))))
            }
        }
        if wasIdle { download.firstRequest = download.outstanding > 0 ? now : nil }
        // One extent at a time waits for room, so that a full pool is shared fairly between connections.
        if download.outstanding < depth, download.open.allSatisfy(\.isReady), !download.waiting.isEmpty {
            let loan = download.waiting.removeFirst()
            download.open.append(OpenExtent(loan))
            effects.append(.open(loan.extent))
        }
        // The loan beyond the pipeline is kept short: what is on loan here cannot be fetched from anybody nearer.
        let backlog = download.backlog
        let isRunningOut = backlog < max(depth / 4, limits.shortestBacklog) || download.outstanding + backlog == 0
        if !download.isHungry, download.stalledSince == nil, isRunningOut {
            download.isHungry = true
            effects.append(.report(.hungry(blocks: max(depth / 2, limits.fewestBlocksSought) - backlog)))
        }
        return effects
    }

    mutating func rejected(_ block: BlockRequest, at now: Duration) -> [Effect] {
        if download.withdrawn.remove(block) { return [] }
        guard let (index, run) = place(of: block) else { return [] }
        download.open[index].withdraw(run)
        download.outstanding -= run.count
        // A choke explains the reject: the block is asked for again after the next unchoke.
        if download.isChoked { return [] }
        // A peer that rejects whatever it is asked is left alone like one that does not answer, or the same extent would
        // go back and forth for ever.
        download.rejectCount += 1
        if download.rejectCount > limits.rejectedRequests { return stall(at: now) }
        let extent = download.open[index].extent
        return withdraw(index) + [.report(.returned([extent]))] + fill(at: now)
    }

    mutating func cancel(_ extent: Extent, at now: Duration) -> [Effect] {
        download.waiting.removeAll { $0.extent == extent }
        download.filled.removeAll { $0.extent == extent }
        guard let index = download.open.firstIndex(where: { $0.extent == extent }) else {
            return [.release(extent)] + fill(at: now)
        }
        return withdraw(index) + fill(at: now)
    }

    /// Gives work back that the peer will not finish soon: it choked and stays so, or it left requests unanswered.
    mutating func patience(at now: Duration) -> [Effect] {
        if let since = download.chokedSince, now - since > limits.chokePatience, download.backlog > 0 {
            return surrender()
        }
        if let since = download.stalledSince {
            return now - since > limits.stallLimit - limits.stallTimeout ? [.close(.stalled)] : []
        }
        guard download.outstanding > 0, now - download.lastProgress > limits.stallTimeout else { return [] }
        return stall(at: now)
    }

    private mutating func stall(at now: Duration) -> [Effect] {
        download.stalledSince = now
        return noLongerHungry() + surrender()
    }

    /// Gives everything on loan back, but for what is already filled.
    private mutating func surrender() -> [Effect] {
        var effects: [Effect] = []
        while !download.open.isEmpty {
            let extent = download.open[0].extent
            effects += withdraw(0)
            effects.append(.report(.returned([extent])))
        }
        if !download.waiting.isEmpty { effects.append(.report(.returned(download.waiting.map(\.extent)))) }
        download.waiting.removeAll()
        return effects
    }

    /// Takes an open extent off the list and cancels what is outstanding of it.
    private mutating func withdraw(_ index: Int) -> [Effect] {
        let entry = download.open.remove(at: index)
        var effects: [Effect] = []
        for run in entry.runs {
            let block = request(entry.extent, run)
            download.outstanding -= run.count
            // The answer that is arriving just now is not going to arrive again.
            if download.arriving == block {
                download.arriving = nil
            } else {
                download.withdrawn.insert(block)
                effects.append(.send(.cancel(block)))
            }
        }
        return effects + [.release(entry.extent)]
    }

    private func request(_ extent: Extent, _ run: Range<Int>) -> BlockRequest {
        let range = extent.request(blocks: run)
        return BlockRequest(
            piece: UInt32(extent.piece.number), begin: UInt32(range.begin), length: UInt32(range.length))
    }

    /// The open extent of which exactly this, as the peer named it, was asked for and has not come, and its blocks there.
    private func place(of block: BlockRequest) -> (index: Int, run: Range<Int>)? {
        for (index, entry) in download.open.enumerated() where entry.extent.piece.number == Int(block.piece) {
            // checked: a number of 32 bits in one of 64.
            let offset = Int(block.begin) - entry.extent.begin
            guard offset >= 0, offset < entry.extent.length, offset % PieceGeometry.blockLength == 0 else { continue }
            guard let run = entry.run(from: offset / PieceGeometry.blockLength),
                entry.extent.request(blocks: run).length == Int(block.length)
            else { return nil }
            return (index, run)
        }
        return nil
    }
}
