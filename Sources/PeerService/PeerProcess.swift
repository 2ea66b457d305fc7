// SPDX-License-Identifier: Apache-2.0

import ImageStore
package import Logging
import NIOPosix
import TrackerProtocol

/// A whole peer as a process runs it: the peer itself and its control socket.
package enum PeerProcess {
    /// Runs a peer until `body` returns or the task is cancelled, and stops it in any case.
    /// - Parameter body: called once the peer is up; waits for the end of the task unless given.
    /// - Throws: ``HostFailure`` when the peer cannot start, and what `body` throws.
    package static func run(
        host: Host, configuration: PeerConfiguration, log: Logger,
        until body: @escaping @Sendable (Peer) async throws -> Void = untilCancelled
    ) async throws {
        let peer = Peer(
            host: host, configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, log: log)
        let addresses = try await peer.start()
        do {
            let server = try ControlServer(peer, layout: host.store.layout, log: quiet(log))
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    defer { isReady.finish() }
                    try await serve(server, host) { isReady.finish() }
                }
                if let address = configuration.metrics {
                    group.addTask { try await publish(peer, at: address, quiet(log)) }
                }
                group.addTask {
                    for await _ in ready {}
                    log.info(
                        "running",
                        metadata: [
                            "store": "\(host.store.layout.root)",
                            "listen": "\(addresses.map { "\($0)" }.joined(separator: " "))",
                        ])
                    try await body(peer)
                }
                // Whichever ends first ends the other.
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            await peer.stop()
            throw error
        }
        await peer.stop()
        log.info("stopped")
    }

    /// Waits for the end of the task.
    @Sendable package static func untilCancelled(_: Peer) async throws {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    private static func publish(_ peer: Peer, at address: PeerAddress, _ log: Logger) async throws {
        do {
            try await MetricsListener(peer: peer, address: address, log: log).run()
        } catch {
            if Task.isCancelled { return }
            throw HostFailure(.failed, "metrics cannot be served at \(address): \(error); choose another --metrics")
        }
    }

    private static func serve(
        _ server: ControlServer, _ host: Host, ready: @escaping @Sendable () async -> Void
    ) async throws {
        do {
            try await server.run(ready: ready)
        } catch {
            if Task.isCancelled { return }
            throw HostFailure(
                .failed, "the control socket \(host.store.layout.controlSocket) cannot be served: \(error)")
        }
    }

    /// The web server's own remarks are of no use to an operator; that it was told to stop counts as an error to it.
    private static func quiet(_ log: Logger) -> Logger {
        var log = log
        log.logLevel = .critical
        return log
    }
}
