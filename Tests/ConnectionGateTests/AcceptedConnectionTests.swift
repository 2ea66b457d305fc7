// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Testing

/// Connections that a server accepts and does not come to serve, on real sockets.
@Suite(.timeLimit(.minutes(1)))
struct AcceptedConnectionTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static let connection = GatedChannel(
        responder: { _, _, _ in },
        gate: ConnectionGate(limit: 100), patience: .seconds(60), answersMustBeRead: false)

    private func connect(to address: SocketAddress) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address).get()
    }

    @Test func `a connection that nobody serves is closed`() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                // As a server does that stops at this moment.
                Self.connection.setup(channel: channel, logger: Self.logger).map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        for _ in 0..<10 {
            let client = try await connect(to: address)
            try await client.closeFuture.get()
        }
        try await server.close()
    }

    @Test func `a server may stop while connections come in`() async throws {
        for _ in 0..<20 {
            let (running, feed) = AsyncStream.makeStream(of: (any Channel).self)
            let application = Application(
                router: Router(),
                server: GatedChannel.server(
                    gate: ConnectionGate(limit: 100), patience: .seconds(60), answersMustBeRead: false),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { feed.yield($0) }, logger: Self.logger)
            let task = Task { try await application.run() }
            var iterator = running.makeAsyncIterator()
            let address = try #require(await iterator.next()?.localAddress)
            let (connected, come) = AsyncStream.makeStream(of: Void.self)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        // Until nobody listens any more.
                        while !Task.isCancelled, let client = try? await connect(to: address) {
                            come.yield()
                            client.close(promise: nil)
                        }
                    }
                }
                for await _ in connected.prefix(20) {}
                task.cancel()
            }
            _ = try? await task.value
        }
    }
}
