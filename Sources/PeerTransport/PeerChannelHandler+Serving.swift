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

    /// Blocks on their way from a buffer to the socket.
    private struct Outgoing {
        let run: [BlockRequest]
        /// Those not written yet, with the headers before them.
        var rest: ArraySlice<BlockRequest>
        var headers: ByteBuffer
        let buffer: PooledBuffer

        init(_ run: [BlockRequest], _ buffer: PooledBuffer) {
            self.run = run
            self.buffer = buffer
            rest = run[...]
            headers = ByteBuffer()
            headers.reserveCapacity(run.count * MessageEncoder.blockHeaderLength)
            for block in run { MessageEncoder.encodeBlockHeader(block, into: &headers) }
        }

        /// The next block's header and bytes. The slices live in the channel alone afterwards, so that the buffer is
        /// unshared when it comes back.
        mutating func next(_ block: BlockRequest) -> (header: ByteBuffer, bytes: ByteBuffer)? {
            guard let header = headers.readSlice(length: MessageEncoder.blockHeaderLength),
                let bytes = buffer.bytes.readSlice(length: Int(block.length))
            else { return nil }
            rest = rest.dropFirst()
            return (header, bytes)
        }
    }

    /// Sends blocks whose bytes were read, one after another in `buffer`.
    private func send(_ run: [BlockRequest], _ buffer: PooledBuffer?) {
        guard let buffer else { return close(.readFailed) }
        guard case .talking = phase else { return resources.reads.giveBack(buffer) }
        flush(reallyFlushing: false)
        if unsent.reads == 0 { unsent.since = TransportResources.now }
        unsent.reads += 1
        send(Outgoing(run, buffer))
    }

    /// Sends blocks as far as the cap on the rate lets them go, and the others when it does.
    /// - Parameter isPaid: whether the first block's time has come.
    private func send(_ blocks: Outgoing, isPaid: Bool = false) {
        let reads = resources.reads
        guard let context, case .talking = phase else { return reads.giveBack(blocks.buffer) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        var (blocks, isPaid) = (blocks, isPaid)
        while let block = blocks.rest.first {
            let wait = isPaid ? .zero : resources.up.waitToSend(Int(block.length))
            guard wait <= .zero else {
                context.flush()
                // Waiting for the cap is no fault of the peer's.
                unsent.since = TransportResources.now + wait
                let waiting = NIOLoopBound(blocks, eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) {
                    bound.value.send(waiting.value, isPaid: true)
                }
                return
            }
            isPaid = false
            guard let (header, bytes) = blocks.next(block) else {
                reads.giveBack(blocks.buffer)
                return close(.readFailed)
            }
            context.write(Self.wrapOutboundOut(header), promise: nil)
            context.write(Self.wrapOutboundOut(bytes), promise: nil)
        }
        let done = context.eventLoop.makePromise(of: Void.self)
        done.futureResult.whenComplete { [run = blocks.run, buffer = blocks.buffer] result in
            reads.giveBack(buffer)
            guard case .success = result else { return }
            bound.value.sent(run)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: done)
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
