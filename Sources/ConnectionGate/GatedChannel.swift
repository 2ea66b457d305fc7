// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import Logging
package import NIOCore

/// An HTTP connection behind a ``ConnectionGate``.
package struct GatedChannel: ServerChildChannel {
    package typealias Value = HTTP1Channel.Value

    private let http: HTTP1Channel

    /// A server whose connections pass a gate.
    /// - Parameters:
    ///   - patience: how long a request may take to arrive, its body included, and how long the next one may be waited for.
    ///   - answersMustBeRead: whether a connection also ends that takes nothing of its answer for so long.
    ///   - limits: what a request's head may cost.
    package static func server(
        gate: ConnectionGate, patience: TimeAmount, answersMustBeRead: Bool,
        limits: HTTP1Channel.Configuration.DecoderConfiguration = .init()
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let configuration = HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    RequestWatch(gate: gate, patience: patience, answersMustBeRead: answersMustBeRead)
                ], idleTimeout: patience, httpDecoderConfiguration: limits)
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
