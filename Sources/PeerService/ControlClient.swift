// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FoundationEssentials
package import ImageStore
import NIOCore
import NIOHTTP1
import NIOPosix

/// A running peer, reached through its control socket.
package struct ControlClient: HostService {
    /// How long the peer may be silent; a request that takes long reports its progress more often.
    private static let timeout = TimeAmount.hours(24)
    private static let lineLimit = 64 << 20

    /// A socket that nobody listens at is the leftover of a killed peer; trying again would not help.
    private static let client = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    private let address: ControlAddress

    /// - Throws: ``HostFailure`` with `.notFound` when there is no store.
    package init(_ layout: StoreLayout) throws(HostFailure) {
        address = try ControlAddress(layout)
    }

    /// Whether a peer answers.
    package func isRunning() async -> Bool {
        var request = HTTPClientRequest(url: address.url("/v1/status"))
        request.method = .GET
        guard let response = try? await Self.client.execute(request, timeout: .seconds(30)) else { return false }
        _ = try? await response.body.collect(upTo: Self.lineLimit)
        return response.status == .ok
    }

    package func perform(
        _ request: HostRequest, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        do {
            var post = HTTPClientRequest(url: address.url("/v1/perform"))
            post.method = .POST
            post.headers.add(name: "content-type", value: "application/json")
            post.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(request)))
            let response = try await Self.client.execute(post, timeout: Self.timeout)
            guard response.status == .ok else {
                throw HostFailure(.failed, "the running peer does not understand this command; is it an older version?")
            }
            var rest = ByteBuffer()
            for try await var part in response.body {
                rest.writeBuffer(&part)
                guard rest.readableBytes <= Self.lineLimit else { throw HostFailure(.failed, "the answer is too long") }
                while let end = rest.readableBytesView.firstIndex(of: 0x0a),
                    let line = rest.readBytes(length: end - rest.readerIndex)
                {
                    rest.moveReaderIndex(forwardBy: 1)
                    switch try JSONDecoder().decode(ControlLine.self, from: Data(line)) {
                    case .progress(let step): progress(step)
                    case .reply(let reply): return reply
                    case .failure(let failure): throw failure
                    }
                }
            }
            throw HostFailure(.failed, "the running peer stopped before it had answered; see its log")
        } catch {
            throw HostFailure(error)
        }
    }
}
