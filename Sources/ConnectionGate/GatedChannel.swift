// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTPTypes

/// An HTTP connection behind a ``ConnectionGate``.
package struct GatedChannel: ServerChildChannel {
    package typealias Value = HTTP1Channel.Value

    private let http: HTTP1Channel

    /// A server whose connections pass a gate.
    /// - Parameters:
    ///   - patience: how long a request may take to arrive, its body included.
    ///   - limits: what a request's head may cost.
    package static func server(
        gate: ConnectionGate, patience: TimeAmount, limits: HTTP1Channel.Configuration.DecoderConfiguration = .init()
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let configuration = HTTP1Channel.Configuration(
                additionalChannelHandlers: [RequestWatch(gate: gate, patience: patience)], idleTimeout: patience,
                httpDecoderConfiguration: limits)
            return GatedChannel(http: HTTP1Channel(responder: responder, configuration: configuration))
        }
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        http.setup(channel: channel, logger: logger)
    }

    package func handle(value: Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}

/// Tells the gate when a connection waits for a request, and ends one that takes too long over it.
private final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let gate: ConnectionGate
    private let patience: TimeAmount
    private var deadline: Scheduled<Void>?

    init(gate: ConnectionGate, patience: TimeAmount) {
        self.gate = gate
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) { wait(context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        gate.leaves(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: gate.leaves(context.channel)
        case .body: break
        case .end: deadline?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        if isEnd { wait(context) }
    }

    private func wait(_ context: ChannelHandlerContext) {
        gate.waits(context.channel)
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }
}
