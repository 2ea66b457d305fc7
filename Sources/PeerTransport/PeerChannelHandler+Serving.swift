// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerProtocol
import Swarm

/// What the peer at the other end asked for: read on a thread, sent from the event loop; or sent by the kernel from the pages
/// in which it has the image, which saves a copy.
extension PeerChannelHandler {
    /// With less for each header the two calls and the packet that a header then takes of its own cost more than the copy.
    private static let leastSentByKernel = 64 * 1024

    func serve(_ run: [BlockRequest]) {
        guard let driver, let loop = context?.eventLoop else { return }
        if run.allSatisfy({ Int($0.length) >= Self.leastSentByKernel }), driver.access == .everyone,
            resources.up.isOpen,
            let offset = driver.cachedOffset(of: run), let file = openFile(driver)
        {
            return send(run, of: file, at: offset)
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        driver.read(run) { buffer in
            loop.execute { bound.value.send(run, buffer) }
        }
    }

    /// A handle of this connection's own, since only one may use such a handle at a time.
    private func openFile(_ driver: SwarmDriver) -> NIOFileHandle? {
        if file == nil {
            file = driver.image.duplicate().map { NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: $0) }
        }
        return file
    }

    /// Sends blocks that lie one after another in a file.
    private func send(_ run: [BlockRequest], of file: NIOFileHandle, at offset: Int64) {
        guard let context else { return }
        flush(reallyFlushing: false)
        countUnsent()
        // A header of its own would be a packet of its own.
        socket?.setCorked(true)
        defer { socket?.setCorked(false) }
        var start = Int(offset)
        for block in run {
            var header = ByteBuffer()
            MessageEncoder.encodeBlockHeader(block, into: &header)
            // checked: the blocks end inside the image.
            let end = start + Int(block.length)
            let region = FileRegion(fileHandle: file, readerIndex: start, endIndex: end)
            context.write(Self.wrapOutboundOut(header), promise: nil)
            context.write(NIOAny(IOData.fileRegion(region)), promise: nil)
            start = end
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let (loop, done) = (context.eventLoop, context.eventLoop.makePromise(of: Void.self))
        // Not at once, in the middle of writing: a peer that takes all that comes would be the loop's only one.
        done.futureResult.whenSuccess { loop.execute { bound.value.sent(run) } }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: done)
    }

    private func countUnsent() {
        if unsent.reads == 0 { unsent.since = TransportResources.now }
        unsent.reads += 1
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
        countUnsent()
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
