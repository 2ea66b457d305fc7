// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import NIOPosix
import ServiceLifecycle
import Synchronization
import TrackerProtocol

/// Announces and scrapes over UDP on one address: a thread that takes what waits, has it answered and sends the answers.
final class DatagramListener: Service {
    private let socket: DatagramSocket
    /// Whether the thread is to end; the file becomes readable then, which wakes it.
    private let isStopping = Atomic<Bool>(false)
    private let stop: Int32
    private let swarms: LiveSwarms
    private let onListening: @Sendable (PeerAddress) -> Void

    /// Opens the socket, so that it is known at once whether the address can be had.
    init(
        address: PeerAddress, swarms: LiveSwarms, onListening: @escaping @Sendable (PeerAddress) -> Void
    ) throws(TrackerError) {
        socket = try DatagramSocket(listeningOn: address)
        stop = eventfd(0, Int32(EFD_CLOEXEC))
        self.swarms = swarms
        self.onListening = onListening
    }

    deinit { close(stop) }

    func run() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        onListening(socket.address)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await pool.runIfActive { self.serve() }
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            eventfd_write(self.stop, 1)
        }
        try await pool.shutdownGracefully()
    }

    private func serve() {
        // Asked each time, since datagrams may come without end.
        while !isStopping.load(ordering: .acquiring) {
            let count = socket.receive()
            guard count > 0 else {
                guard socket.wait(orUntil: stop) else { return }
                continue
            }
            socket.send(swarms.answer(count, from: socket))
        }
    }
}
