// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Tells the gate when a connection waits for a request, and ends one whose request takes too long to arrive or whose
/// answer nobody reads.
final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let gate: ConnectionGate
    private let patience: TimeAmount
    private let answersMustBeRead: Bool
    /// Requests that began and whose answers have not ended. A client may send the next one before.
    private var unanswered = 0
    /// The end of a connection whose request does not arrive.
    private var arrival: Scheduled<Void>?
    /// The end of a connection that takes nothing of its answer.
    private var reading: Scheduled<Void>?

    init(gate: ConnectionGate, patience: TimeAmount, answersMustBeRead: Bool) {
        self.gate = gate
        self.patience = patience
        self.answersMustBeRead = answersMustBeRead
    }

    func handlerAdded(context: ChannelHandlerContext) {
        gate.waits(context.channel)
        expect(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        arrival?.cancel()
        reading?.cancel()
        gate.leaves(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            expect(context)
        case .body: break
        case .end:
            gate.leaves(context.channel)
            // The answer may have come before the end of its request; then the next one is waited for already.
            if unanswered > 0 { arrival?.cancel() }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            // What is no HTTP is answered as well, and never began.
            unanswered = max(0, unanswered - 1)
            if unanswered == 0 {
                gate.waits(context.channel)
                expect(context)
            }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if answersMustBeRead {
            reading?.cancel()
            reading = context.channel.isWritable ? nil : end(context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// A request is to arrive from now on, its body included.
    private func expect(_ context: ChannelHandlerContext) {
        arrival?.cancel()
        arrival = end(context)
    }

    private func end(_ context: ChannelHandlerContext) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }
}
