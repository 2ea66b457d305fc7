// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Logging
import PeerService

/// A peer for the length of one command, where none runs on the store: on any free port, and gone afterwards.
enum TemporaryPeer {
    static func run(on host: Host, _ body: @escaping @Sendable (Peer) async throws -> Void) async throws {
        var log = Logger(label: "drover", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = .warning
        var configuration = PeerConfiguration(store: host.store.layout.root)
        configuration.port = 0
        // Other commands on the store must work meanwhile, so it is a whole peer with a control socket.
        try await PeerProcess.run(host: host, configuration: configuration, log: log, until: body)
        // A peer that is told to stop has done its work; a command that is told to stop has not.
        try Task.checkCancellation()
    }
}
