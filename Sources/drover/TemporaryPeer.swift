// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOPosix
import PeerService
import TrackerProtocol

/// A peer for the length of one command, where none runs on the store: on any free port, and gone afterwards.
enum TemporaryPeer {
    static func run(
        on store: StoreOptions, _ body: @escaping (Peer) async throws -> Void
    ) async throws {
        var log = Logger(label: "drover", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = .warning
        let anywhere = ["0.0.0.0:0"].compactMap { PeerAddress(parsing: $0) }
        let peer = Peer(
            host: try store.host(create: true),
            configuration: PeerConfiguration(store: store.root, listen: anywhere),
            group: MultiThreadedEventLoopGroup.singleton, log: log)
        try await peer.start()
        do {
            try await body(peer)
        } catch {
            await peer.stop()
            throw error
        }
        await peer.stop()
    }
}
