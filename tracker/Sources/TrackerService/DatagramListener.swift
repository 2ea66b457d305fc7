// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import ServiceLifecycle
import Synchronization
import TrackerProtocol

/// Announces and scrapes over UDP on one address: a thread that takes what waits, has it answered and sends the answers.
final class DatagramListener: Service {
    private let socket: DatagramSocket
    /// Whether the thread is to end.
    private let isStopping = Atomic<Bool>(false)
    private let swarms: LiveSwarms
    private let onListening: @Sendable (PeerAddress) -> Void

    /// Opens the socket, so that it is known at once whether the address can be had.
    init(
        address: PeerAddress, swarms: LiveSwarms, onListening: @escaping @Sendable (PeerAddress) -> Void
    ) throws(TrackerError) {
        socket = try DatagramSocket(listeningOn: address)
        self.swarms = swarms
        self.onListening = onListening
    }

    func run() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        onListening(socket.address)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await pool.runIfActive { self.serve() }
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.socket.end()
        }
        try await pool.shutdownGracefully()
    }

    private func serve() {
        // Asked each time, since datagrams may come without end.
        while true {
            let count = socket.receive()
            if isStopping.load(ordering: .acquiring) { return }
            socket.send(swarms.answer(count, from: socket))
        }
    }
}
