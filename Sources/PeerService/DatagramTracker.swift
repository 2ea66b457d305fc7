// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TrackerProtocol

/// Announces to one tracker over UDP (BEP 15): a socket for ``DatagramAnnounce``.
struct DatagramTracker: Sendable {
    /// By which trackers know this process again.
    private static let key = UInt32.random(in: 0 ... .max)
    /// How often a wait looks at the clock.
    private static let step = Duration.milliseconds(250)

    let host: String
    let port: UInt16

    /// - Throws: ``HostFailure`` with `.trackerUnreachable` and the reason, after `timeout` at the latest.
    func announce(_ request: AnnounceRequest, timeout: Duration) async throws -> AnnounceResponse {
        let address: SocketAddress
        let channel: NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>
        do {
            address = try await NIOThreadPool.singleton.runIfActive { [host, port] in
                try SocketAddress.makeAddressResolvingHost(host, port: Int(port))
            }
            // A connected socket takes datagrams from the tracker's address only, and hears that nobody listens there.
            channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(
                    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramResponse.maximumByteCount)
                )
                .connect(to: address) { channel in
                    channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
                }
        } catch {
            throw failure("\(error)")
        }
        let isIPv6 = if case .v6 = address { true } else { false }
        let exchange = Exchange(DatagramAnnounce(request, key: Self.key, isIPv6: isIPv6))
        do {
            return try await channel.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: AnnounceResponse?.self) { group in
                    let send = { @Sendable (bytes: [UInt8]) in
                        try await outbound.write(
                            AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: bytes)))
                    }
                    group.addTask {
                        try await exchange.start(send)
                        for try await datagram in inbound {
                            let bytes = Array(datagram.data.readableBytesView)
                            if let response = try await exchange.received(bytes, send) { return response }
                        }
                        return nil
                    }
                    group.addTask {
                        let deadline = ContinuousClock.now + timeout
                        while ContinuousClock.now < deadline {
                            try await Task.sleep(for: Self.step)
                            try await exchange.tick(send)
                        }
                        return nil
                    }
                    defer { group.cancelAll() }
                    guard let response = try await group.next() ?? nil else {
                        throw Failure(words: "no answer in time")
                    }
                    return response
                }
            }
        } catch let error as Failure {
            throw failure(error.words)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw failure("\(error)")
        }
    }

    private func failure(_ words: String) -> HostFailure {
        let server = host.contains(":") ? "[\(host)]" : host
        return HostFailure(
            .trackerUnreachable,
            "the tracker udp://\(server):\(port) cannot be reached (\(words)); check that it runs and that the URL is "
                + "right")
    }

    private struct Failure: Error { let words: String }

    /// The announce under way, and its clock.
    private actor Exchange {
        private var announce: DatagramAnnounce
        private var random = SystemRandomNumberGenerator()
        private let start = ContinuousClock.now

        init(_ announce: DatagramAnnounce) { self.announce = announce }

        private var now: Duration { start.duration(to: .now) }

        func start(_ send: @Sendable ([UInt8]) async throws -> Void) async throws {
            _ = try await carryOut(announce.start(at: now, using: &random), send)
        }

        func received(
            _ bytes: [UInt8], _ send: @Sendable ([UInt8]) async throws -> Void
        ) async throws -> AnnounceResponse? {
            try await carryOut(announce.received(bytes, at: now, using: &random), send)
        }

        func tick(_ send: @Sendable ([UInt8]) async throws -> Void) async throws {
            _ = try await carryOut(announce.tick(at: now, using: &random), send)
        }

        private func carryOut(
            _ effects: [DatagramAnnounce.Effect], _ send: @Sendable ([UInt8]) async throws -> Void
        ) async throws -> AnnounceResponse? {
            for effect in effects {
                switch effect {
                case .send(let bytes): try await send(bytes)
                case .answered(let response): return response
                case .failed(let reason): throw Failure(words: reason)
                }
            }
            return nil
        }
    }
}
