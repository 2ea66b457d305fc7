// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerProtocol
import Swarm

/// The caps on the host's rates, kept by waiting: before a block is sent, and before more is read than was allowed. What
/// is not read holds the other side up by itself (TCP).
extension PeerChannelHandler {
    /// One read from a socket under a cap takes at most this many bytes, so that many connections together stay exact.
    static let cappedReadLength = 16 * 1024
    /// The same without a cap, from a socket that nothing lies before: room for small messages. What goes beyond them is
    /// received straight to its place.
    private static let plainReadLength = 2 * 1024
    /// Reads in a row from one socket without a cap; NIO's own default.
    private static let readsPerEvent: UInt = 4

    /// Bytes arrived: under a cap, reading goes on when they are paid for.
    func pace(_ bytes: Int, _ context: ChannelHandlerContext) {
        let wait = resources.waitAfterReceiving(bytes, inBackground: driver?.isInBackground ?? false)
        if (wait != nil) != readsLittle {
            readsLittle = wait != nil
            // What comes before the session begins fits a small buffer, which is there already.
            if case .talking = phase {
                read(atMost: receiveLength)
            }
            let reads: UInt = readsLittle ? 1 : Self.readsPerEvent
            context.channel.setOption(.maxMessagesPerRead, value: reads).whenFailure { _ in }
        }
        guard let wait, wait > .zero else { return }
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        reading?.cancel()
        reading = context.eventLoop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) { bound.value.readOn() }
    }

    /// What one read takes. Where the rest of a block is received straight to its place, little has to be copied.
    var receiveLength: Int {
        if readsLittle { return Self.cappedReadLength }
        return socket == nil ? PeerNetwork.receiveBufferLength : Self.plainReadLength
    }

    func read(atMost length: Int) {
        context?.channel.setOption(
            .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: length)
        ).whenFailure { _ in }
    }

    /// Reads again, unless the driver's answer is still awaited.
    private func readOn() {
        reading = nil
        guard let context else { return }
        switch phase {
        case .joining, .closed: return
        case .handshaking, .talking: break
        }
        context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
