// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Metainfo
import PeerProtocol

/// The serving half of a connection: what may be served and what the peer asked for.
struct UploadState: Sendable {
    /// Verified pieces; nothing else is ever served.
    var have: Bitfield
    var isChoking = true
    var queue: Deque<BlockRequest> = []
    /// Reads under way or waiting for the socket.
    var reads = 0
    var chokedRequests = 0
    var bytesSent = 0
    /// Blocks that one read serves.
    private(set) var blocksPerRead: Int
    /// The pieces of which anything was served.
    var given: Bitfield

    init(have: Bitfield, limits: SwarmLimits) {
        self.have = have
        blocksPerRead = limits.fewestBlocksPerRead
        given = Bitfield(pieceCount: have.pieceCount)
    }

    mutating func measure(sent: Int, seconds: Double, limits: SwarmLimits) {
        let wanted = Int(Double(sent) / seconds * limits.readTime) / PieceGeometry.blockLength
        blocksPerRead = max(limits.fewestBlocksPerRead, min(wanted, limits.blocksPerRead))
    }
}

extension PeerSession {
    mutating func requested(_ block: BlockRequest) throws(ProtocolViolation) -> [Effect] {
        let piece = try piece(block.piece)
        guard geometry.mayBeRequested(begin: block.begin, length: block.length, in: piece),
            // Only those who speak the extension protocol were told of longer ones.
            Int(block.length) <= (isExtended ? limits.longestRequest : PieceGeometry.blockLength)
        else { throw .outOfRange }
        if upload.isChoking {
            upload.chokedRequests += 1
            guard upload.chokedRequests <= limits.chokedRequests + limits.queuedRequests else { throw .requestFlood }
            return reject(block)
        }
        guard upload.have.contains(piece), upload.queue.count < limits.queuedRequests else { return reject(block) }
        upload.queue.append(block)
        return serve()
    }

    mutating func cancelled(_ block: BlockRequest) -> [Effect] {
        guard let index = upload.queue.firstIndex(of: block) else { return [] }
        upload.queue.remove(at: index)
        return reject(block)
    }

    mutating func setChoking(_ isChoking: Bool) -> [Effect] {
        guard isChoking != upload.isChoking else { return [] }
        upload.isChoking = isChoking
        guard isChoking else {
            upload.chokedRequests = 0
            return [.send(.unchoke)]
        }
        // First the choke, then a reject for everything queued (BEP 6).
        let dropped = upload.queue
        upload.queue.removeAll()
        return [.send(.choke)] + dropped.flatMap { reject($0) }
    }

    /// A read was sent off, or failed.
    /// - Parameter bytes: the bytes of the blocks that were sent.
    package mutating func served(bytes: Int, at now: Duration) -> [Effect] {
        upload.reads -= 1
        upload.bytesSent += bytes
        sent(at: now)
        return serve()
    }

    /// Starts reads for what is queued: consecutive blocks become one read.
    private mutating func serve() -> [Effect] {
        var effects: [Effect] = []
        while upload.reads < limits.readsInFlight, let first = upload.queue.popFirst() {
            var run = [first]
            // checked: what is in the queue ends inside its piece.
            var end = first.begin + first.length
            let longest = UInt32(upload.blocksPerRead * PieceGeometry.blockLength)
            while let next = upload.queue.first, next.piece == first.piece, next.begin == end,
                end - first.begin + next.length <= longest
            {
                end += next.length
                run.append(next)
                upload.queue.removeFirst()
            }
            upload.reads += 1
            effects.append(.serve(run))
            if let piece = geometry.piece(Int(first.piece)), upload.given.insert(piece) {
                effects.append(.report(.gives(piece)))
            }
        }
        return effects
    }

    private func reject(_ block: BlockRequest) -> [Effect] {
        isFast ? [.send(.rejectRequest(block))] : []
    }
}
