// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
package import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
package import Swarm
package import TrackerProtocol

/// Asks peers for the piece layer that a .torrent lacks, before there is a swarm to be part of.
package struct PieceLayerClient: Sendable {
    /// How long one peer may take for all of its answers.
    private static let patience = Duration.seconds(20)

    private enum Failure: Error { case patience, closed, wrongImage, refused, wrongHashes }

    private let missing: MissingPieceLayer
    private let network: PeerNetwork
    private let access: SwarmAccess

    package init(_ missing: MissingPieceLayer, network: PeerNetwork) {
        access = SwarmAccess(authority: missing.authority)
        self.missing = missing
        self.network = network
    }

    /// Asks one peer for what `inquiry` still lacks.
    /// - Returns: the inquiry with what the peer gave and proved, which may be nothing.
    package func ask(_ address: PeerAddress, _ inquiry: LayerInquiry) async -> LayerInquiry {
        let tls = network.tls(for: access)
        guard tls != nil || access == .everyone, let id = network.newConnection(with: address.host) else {
            return inquiry
        }
        defer { network.closed(id) }
        return await withTaskGroup(of: LayerInquiry?.self) { group in
            let progress = Progress(inquiry)
            group.addTask {
                try? await talk(to: address, id, tls, progress)
                return await progress.inquiry
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            _ = await group.next()
            group.cancelAll()
            return await progress.inquiry
        }
    }

    /// What is proven so far; it outlives a conversation that is cut off.
    private actor Progress {
        private(set) var inquiry: LayerInquiry
        init(_ inquiry: LayerInquiry) { self.inquiry = inquiry }
        func take(_ hashes: [SHA256Digest]) -> Bool { inquiry.take(hashes) }
    }

    private func talk(
        to address: PeerAddress, _ id: Swarm.ConnectionID, _ tls: MutualTLS?, _ progress: Progress
    ) async throws {
        let socket = try SocketAddress(ipAddress: "\(address.host)", port: Int(address.port))
        let channel = try await ClientBootstrap(group: network.resources.group)
            .connectTimeout(PeerNetwork.handshakeTimeout)
            .connect(to: socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            tls.dialling("\(missing.infoHash)") { network.identified(id, channel, $0) })
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            var output = ByteBuffer()
            Handshake(infoHash: missing.infoHash, peerID: network.peerID, supportsExtensions: false)
                .encode(into: &output)
            try await outbound.write(output)
            var stream = inbound.makeAsyncIterator()
            var input = ByteBuffer()
            while true {
                if let theirs = try Handshake.decode(from: &input) {
                    guard theirs.infoHash == missing.infoHash else { throw Failure.wrongImage }
                    try await exchange(isFast: theirs.supportsFast, &input, &stream, outbound, progress)
                    return
                }
                guard var part = try await stream.next() else { throw Failure.closed }
                input.writeBuffer(&part)
            }
        }
    }

    private func exchange(
        isFast: Bool, _ input: inout ByteBuffer, _ stream: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ progress: Progress
    ) async throws {
        var decoder = MessageDecoder(limits: MessageLimits(pieceCount: missing.geometry.pieceCount))
        var output = ByteBuffer()
        if isFast { MessageEncoder.encode(.haveNone, into: &output) }
        while let request = await progress.inquiry.next {
            MessageEncoder.encode(.hashRequest(request), into: &output)
            try await outbound.write(output)
            output.clear()
            guard let hashes = try await answer(to: request, &decoder, &input, &stream) else { throw Failure.refused }
            guard await progress.take(hashes) else { throw Failure.wrongHashes }
        }
    }

    /// The hashes asked for, or `nil` when the peer refuses; everything else it says is passed over.
    private func answer(
        to request: HashRequest, _ decoder: inout MessageDecoder, _ input: inout ByteBuffer,
        _ stream: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> [SHA256Digest]? {
        while true {
            while let event = try decoder.next(from: &input) {
                switch event {
                case .message(.hashes(request, let hashes)): return hashes
                case .message(.hashReject(request)): return nil
                default: continue
                }
            }
            guard let part = try await stream.next() else { throw Failure.closed }
            input = part
        }
    }
}
