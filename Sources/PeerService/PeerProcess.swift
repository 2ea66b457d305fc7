// SPDX-License-Identifier: Apache-2.0

import ImageStore
package import Logging
import NIOPosix

/// A whole peer as a process runs it: the peer itself and its control socket, until the task is cancelled.
package enum PeerProcess {
    /// - Throws: ``HostFailure`` when the peer cannot start; returns when it was told to stop.
    package static func run(host: Host, configuration: PeerConfiguration, log: Logger) async throws {
        let peer = Peer(
            host: host, configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, log: log)
        let addresses = try await peer.start()
        let server = try ControlServer(peer, layout: host.store.layout, log: quiet(log))
        do {
            try await server.run {
                log.info(
                    "running",
                    metadata: [
                        "store": "\(host.store.layout.root)",
                        "listen": "\(addresses.map { "\($0)" }.joined(separator: " "))",
                    ])
            }
        } catch {
            await peer.stop()
            if Task.isCancelled { return }
            throw HostFailure(.failed, "the control socket \(host.store.layout.controlSocket) cannot be served: \(error)")
        }
        await peer.stop()
        log.info("stopped")
    }

    /// The web server's own remarks are of no use to an operator.
    private static func quiet(_ log: Logger) -> Logger {
        var log = log
        log.logLevel = max(log.logLevel, .warning)
        return log
    }
}
