// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerProtocol
import Swarm

/// What the peer at the other end asked for: read on a thread, sent from the event loop.
extension PeerChannelHandler {
    func serve(_ run: [BlockRequest]) {
        guard let driver, let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        driver.read(run) { buffer in
            loop.execute { bound.value.send(run, buffer) }
        }
    }

    /// Sends blocks whose bytes were read, one after another in `buffer`.
    private func send(_ run: [BlockRequest], _ buffer: PooledBuffer?) {
        guard let buffer else { return close(.readFailed) }
        guard let context, case .talking = phase else { return resources.reads.giveBack(buffer) }
        flush(reallyFlushing: false)
        if unsent.reads == 0 { unsent.since = TransportResources.now }
        unsent.reads += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let reads = resources.reads
        let done = context.eventLoop.makePromise(of: Void.self)
        done.futureResult.whenComplete { result in
            reads.giveBack(buffer)
            guard case .success = result else { return }
            bound.value.sent(run)
        }
        write(run, from: buffer, context)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: done)
    }

    /// Queues the blocks. The slices live in the channel alone afterwards, so that the buffer is unshared when it comes
    /// back.
    private func write(_ run: [BlockRequest], from buffer: PooledBuffer, _ context: ChannelHandlerContext) {
        var headers = ByteBuffer()
        headers.reserveCapacity(run.count * MessageEncoder.blockHeaderLength)
        for block in run {
            MessageEncoder.encodeBlockHeader(block, into: &headers)
            guard let header = headers.readSlice(length: MessageEncoder.blockHeaderLength),
                let bytes = buffer.bytes.readSlice(length: Int(block.length))
            else { return close(.readFailed) }
            context.write(Self.wrapOutboundOut(header), promise: nil)
            context.write(Self.wrapOutboundOut(bytes), promise: nil)
        }
    }

    private func sent(_ run: [BlockRequest]) {
        let now = TransportResources.now
        unsent = (unsent.reads - 1, now)
        let bytes = run.reduce(0) { $0 + Int($1.length) }
        act { $0.served(bytes: bytes, at: now) }
    }

    func serveHashes(_ request: HashRequest) {
        guard let driver, let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        driver.hashes(for: request) { hashes in
            loop.execute { bound.value.act { session in session.hashesMade(request, hashes) } }
        }
    }
}
