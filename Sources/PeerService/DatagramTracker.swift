// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import TrackerProtocol

/// Announces to one tracker over UDP (BEP 15): a socket for ``DatagramAnnounce``.
struct DatagramTracker: Sendable {
    /// By which trackers know this process again.
    private static let key = UInt32.random(in: 0 ... .max)
    /// How often a wait looks at the clock.
    private static let step = Duration.milliseconds(250)

    /// The most addresses of one tracker that are tried.
    private static let maximumAddresses = 4

    let host: String
    let port: UInt16
    /// The path and query of the tracker's URL.
    let target: String

    /// Announces to the tracker at one of its addresses after another, until one answers.
    /// - Throws: ``HostFailure`` with `.trackerUnreachable` and the reason, after `timeout` at the latest.
    func announce(_ request: AnnounceRequest, timeout: Duration) async throws -> AnnounceResponse {
        let deadline = ContinuousClock.now + timeout
        var reason = "no address is known for \(host)"
        let addresses: [SocketAddress]
        do {
            addresses = try await NIOThreadPool.singleton.runIfActive { [host, port] in
                try Self.addresses(of: host, port: port)
            }
        } catch let error as Failure {
            throw failure(error.words)
        }
        for (number, address) in addresses.enumerated() {
            // An address that is silent leaves the others their share of the time.
            let share = (deadline - .now) / (addresses.count - number)
            do {
                return try await announce(request, to: address, timeout: share)
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as Failure {
                reason = error.words
            } catch {
                reason = "\(error)"
            }
        }
        throw failure(reason)
    }

    /// The addresses of a name, or the one that a literal stands for, in the order in which the system would try them.
    private static func addresses(of host: String, port: UInt16) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else { throw Failure(words: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, addresses.count < maximumAddresses {
            next = entry.ai_next
            let bytes = UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen))
            if entry.ai_family == AF_INET, bytes.count >= MemoryLayout<sockaddr_in>.size {
                addresses.append(SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self), host: host))
            } else if entry.ai_family == AF_INET6, bytes.count >= MemoryLayout<sockaddr_in6>.size {
                addresses.append(SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self), host: host))
            }
        }
        return addresses
    }

    private func announce(
        _ request: AnnounceRequest, to address: SocketAddress, timeout: Duration
    ) async throws -> AnnounceResponse {
        // A connected socket takes datagrams from the tracker's address only, and hears that nobody listens there.
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramResponse.maximumByteCount)
            )
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>(
                        wrappingChannelSynchronously: channel)
                }
            }
        let isIPv6 = if case .v6 = address { true } else { false }
        let exchange = Exchange(DatagramAnnounce(request, key: Self.key, isIPv6: isIPv6, target: target))
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
