// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import PeerProtocol

/// The fetching half of a connection: the extents on loan and the requests outstanding.
struct DownloadState: Sendable {
    /// An extent whose blocks are being fetched. The words are sets of its blocks.
    struct OpenExtent: Sendable {
        let extent: Extent
        /// Whether there is room for its bytes.
        var isReady = false
        var requested: UInt64 = 0
        var received: UInt64 = 0

        var all: UInt64 { extent.blockCount >= 64 ? .max : (1 << UInt64(extent.blockCount)) - 1 }
        var unrequested: UInt64 { all & ~requested & ~received }
        var isFilled: Bool { received == all }
    }

    /// Extents not begun, in the order they were assigned.
    var waiting: [Extent] = []
    var open: [OpenExtent] = []
    /// Requests sent and not answered.
    var outstanding = 0
    var isChoked = true
    /// Whether a `hungry` report waits for its answer.
    var isHungry = false
    /// Requests that were withdrawn and whose answers may still arrive.
    var withdrawn: Set<BlockRequest> = []
    var unrequestedCount = 0
    /// How many outstanding requests the peer says it keeps; 250 is what libtorrent assumes of silent ones.
    var peerQueue = 250
    var pipeline: Int
    var bytesReceived = 0
    /// Smoothed bytes a second.
    var rate = 0.0
    var lastProgress: Duration
    var chokedSince: Duration?
    var hasStalled = false

    init(pipeline: Int, at now: Duration) {
        self.pipeline = pipeline
        lastProgress = now
    }

    /// The blocks on loan that have not been requested yet.
    var backlog: Int {
        waiting.reduce(0) { $0 + $1.blockCount } + open.reduce(0) { $0 + $1.unrequested.nonzeroBitCount }
    }

    mutating func assign(_ extents: [Extent]) {
        isHungry = false
        waiting += extents
    }

    mutating func choked(isFast: Bool, at now: Duration) -> [PeerSession.Effect] {
        isChoked = true
        chokedSince = now
        isHungry = false
        // Without the fast extension a choke silently drops the peer's queue; with it every request is still answered.
        if !isFast {
            for index in open.indices { open[index].requested = 0 }
            outstanding = 0
        }
        return []
    }

    mutating func unchoked(at now: Duration) {
        isChoked = false
        chokedSince = nil
        lastProgress = now
    }

    mutating func measure(received: Int, seconds: Double, limits: SwarmLimits) {
        let current = Double(received) / seconds
        rate = rate == 0 ? current : rate * 0.6 + current * 0.4
        guard received > 0 else { return }
        let wanted = Int((rate * limits.pipelineTime / Double(PieceGeometry.blockLength)).rounded(.up))
        pipeline = max(limits.minimumPipeline, min(wanted, limits.maximumPipeline))
    }

    /// Takes every extent off the list, for giving them back.
    mutating func surrender() -> [Extent] {
        let extents = open.map(\.extent) + waiting
        open.removeAll()
        waiting.removeAll()
        outstanding = 0
        isHungry = false
        return extents
    }
}

extension PeerSession {
    /// Room for the extent's bytes was found.
    package mutating func extentOpened(_ extent: Extent, at now: Duration) -> [Effect] {
        guard let index = download.open.firstIndex(where: { $0.extent == extent }) else { return [.release(extent)] }
        download.open[index].isReady = true
        return fill(at: now)
    }

    /// A block's header arrived; its bytes follow.
    /// - Throws: ``ProtocolViolation/unrequestedBlock`` after too many blocks that were never asked for.
    package mutating func blockStarted(
        _ block: BlockRequest, at now: Duration
    ) throws(ProtocolViolation) -> OnBlock {
        lastReceivedBlock(at: now)
        if let (index, bit) = place(of: block), download.open[index].requested & bit != 0 {
            let extent = download.open[index].extent
            return .keep(extent, offset: Int(block.begin) - extent.begin)
        }
        if download.withdrawn.remove(block) != nil { return .discard }
        download.unrequestedCount += 1
        guard download.unrequestedCount <= limits.unrequestedBlocks else { throw .unrequestedBlock }
        return .discard
    }

    /// All bytes of the block that ``blockStarted(_:at:)`` wanted kept have arrived.
    package mutating func blockEnded(_ block: BlockRequest, at now: Duration) -> [Effect] {
        lastReceivedBlock(at: now)
        guard let (index, bit) = place(of: block), download.open[index].requested & bit != 0 else { return [] }
        download.open[index].requested &= ~bit
        download.open[index].received |= bit
        download.outstanding -= 1
        download.bytesReceived += Int(block.length)
        download.lastProgress = now
        download.hasStalled = false
        var effects: [Effect] = []
        if download.open[index].isFilled {
            effects.append(.report(.filled(download.open.remove(at: index).extent)))
        }
        return effects + fill(at: now)
    }

    /// Sends requests until the pipeline is full, and asks for more work when what is on loan will not fill it.
    mutating func fill(at now: Duration) -> [Effect] {
        guard !download.isChoked else { return [] }
        var effects: [Effect] = []
        let depth = max(1, min(download.pipeline, download.peerQueue))
        if download.outstanding == 0 { download.lastProgress = now }
        for index in download.open.indices where download.open[index].isReady {
            while download.outstanding < depth, download.open[index].unrequested != 0 {
                let block = download.open[index].unrequested.trailingZeroBitCount
                download.open[index].requested |= 1 << UInt64(block)
                download.outstanding += 1
                effects.append(.send(.request(request(download.open[index].extent, block))))
            }
        }
        // One extent at a time waits for room, so that a full pool is shared fairly between connections.
        if download.outstanding < depth, download.open.allSatisfy(\.isReady), !download.waiting.isEmpty {
            let extent = download.waiting.removeFirst()
            download.open.append(DownloadState.OpenExtent(extent: extent))
            effects.append(.open(extent))
        }
        let backlog = download.backlog
        if !download.isHungry, !download.hasStalled, backlog < depth {
            download.isHungry = true
            effects.append(.report(.hungry(blocks: depth - backlog)))
        }
        return effects
    }

    mutating func rejected(_ block: BlockRequest, at now: Duration) -> [Effect] {
        if download.withdrawn.remove(block) != nil { return [] }
        guard let (index, bit) = place(of: block), download.open[index].requested & bit != 0 else { return [] }
        download.open[index].requested &= ~bit
        download.outstanding -= 1
        // A choke explains the reject: the block is asked for again after the next unchoke.
        if download.isChoked { return [] }
        let extent = download.open[index].extent
        return withdraw(index) + [.report(.returned([extent]))] + fill(at: now)
    }

    mutating func cancel(_ extent: Extent, at now: Duration) -> [Effect] {
        download.waiting.removeAll { $0 == extent }
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
        guard download.outstanding > 0 else { return [] }
        if now - download.lastProgress > limits.stallLimit { return [.close(.stalled)] }
        guard !download.hasStalled, now - download.lastProgress > limits.stallTimeout else { return [] }
        download.hasStalled = true
        let progress = download.lastProgress
        let effects = surrender()
        // The clock of the stall goes on: only a block resets it.
        download.lastProgress = progress
        return effects
    }

    private mutating func surrender() -> [Effect] {
        var effects: [Effect] = []
        while !download.open.isEmpty {
            let extent = download.open[0].extent
            effects += withdraw(0)
            effects.append(.report(.returned([extent])))
        }
        let waiting = download.surrender()
        if !waiting.isEmpty { effects.append(.report(.returned(waiting))) }
        return effects
    }

    /// Takes an open extent off the list and cancels what is outstanding of it.
    private mutating func withdraw(_ index: Int) -> [Effect] {
        let entry = download.open.remove(at: index)
        var effects: [Effect] = []
        var rest = entry.requested
        while rest != 0 {
            let block = request(entry.extent, rest.trailingZeroBitCount)
            rest &= rest - 1
            download.outstanding -= 1
            if download.withdrawn.count < limits.rememberedCancels { download.withdrawn.insert(block) }
            effects.append(.send(.cancel(block)))
        }
        return effects + [.release(entry.extent)]
    }

    private func request(_ extent: Extent, _ block: Int) -> BlockRequest {
        let range = extent.request(block: block)
        return BlockRequest(
            piece: UInt32(extent.piece.number), begin: UInt32(range.begin), length: UInt32(range.length))
    }

    /// The open extent that a block as the peer named it belongs to, and the block's bit there.
    private func place(of block: BlockRequest) -> (index: Int, bit: UInt64)? {
        for (index, entry) in download.open.enumerated() where entry.extent.piece.number == Int(block.piece) {
            let offset = Int(block.begin) - entry.extent.begin
            guard offset >= 0, offset < entry.extent.length, offset % PieceGeometry.blockLength == 0 else { continue }
            let number = offset / PieceGeometry.blockLength
            guard entry.extent.request(block: number).length == Int(block.length) else { return nil }
            return (index, 1 << UInt64(number))
        }
        return nil
    }

    private mutating func lastReceivedBlock(at now: Duration) { heard(at: now) }
}
