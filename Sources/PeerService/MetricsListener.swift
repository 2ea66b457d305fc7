// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import Exposition
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import TrackerProtocol

/// A peer's numbers for a collector on another machine: `GET /metrics` on a port that somebody asked for, and nothing else.
struct MetricsListener: Sendable {
    /// The most connections that wait for a request; where there are more the oldest ends.
    private static let waitingLimit = 16
    private static let patience = TimeAmount.seconds(30)

    let peer: Peer
    let address: PeerAddress
    let log: Logger

    /// Serves until the task is cancelled.
    /// - Throws: when the address cannot be listened at.
    func run() async throws {
        let router = Router()
        router.get("/metrics") { _, _ in await Self.answer(peer) }
        let application = Application(
            router: router,
            server: GatedChannel.server(
                gate: ConnectionGate(limit: Self.waitingLimit), patience: Self.patience, answersMustBeRead: true),
            configuration: .init(address: .hostname("\(address.host)", port: Int(address.port)), serverName: nil),
            logger: log)
        try await application.run()
    }

    static func answer(_ peer: Peer) async -> Response {
        Response(
            status: .ok, headers: [.contentType: Exposition.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: Exposition.text(of: await peer.metrics()))))
    }
}
