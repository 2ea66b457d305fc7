// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import Logging
package import NIOCore

/// An HTTP connection behind a ``ConnectionGate``.
package struct GatedChannel: ServerChildChannel {
    private let http: HTTP1Channel

    /// A connection that passes a gate.
    /// - Parameters:
    ///   - responder: answers requests.
    ///   - patience: how long a request may take to arrive, its body included, and how long the next one may be waited for.
    ///   - answersMustBeRead: whether a connection also ends that takes nothing of its answer for so long.
    ///   - limits: what a request's head may cost.
    package init(
        responder: @escaping HTTPChannelHandler.Responder, gate: ConnectionGate, patience: TimeAmount,
        answersMustBeRead: Bool, limits: HTTP1Channel.Configuration.DecoderConfiguration = .init()
    ) {
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestWatch(gate: gate, patience: patience, answersMustBeRead: answersMustBeRead)
            ], idleTimeout: patience, httpDecoderConfiguration: limits)
        http = HTTP1Channel(responder: responder, configuration: configuration)
    }

    /// A server whose connections pass a gate; see ``init(responder:gate:patience:answersMustBeRead:limits:)``.
    package static func server(
        gate: ConnectionGate, patience: TimeAmount, answersMustBeRead: Bool,
        limits: HTTP1Channel.Configuration.DecoderConfiguration = .init()
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            GatedChannel(
                responder: responder, gate: gate, patience: patience, answersMustBeRead: answersMustBeRead,
                limits: limits)
        }
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        http.setup(channel: channel, logger: logger).map { AcceptedConnection($0) }
    }

    package func handle(value: AcceptedConnection, logger: Logger) async {
        await value.serve { await http.handle(value: $0, logger: logger) }
    }
}
