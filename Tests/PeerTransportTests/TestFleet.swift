// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import Metainfo
import NIOCore
import NIOPosix
import NIOSSL
import PeerProtocol
import Synchronization
import Testing
import TrackerProtocol

/// A fleet with its authority, and hosts of it in every condition.
struct TestFleet {
    let authority: FleetAuthority
    private static let day = 86_400.0

    init() throws { authority = try FleetAuthority(fleet: "test", now: Date(timeIntervalSinceNow: -100 * Self.day)) }

    var pem: String { authority.anchor.pem }

    /// A host's certificate and key.
    /// - Parameter days: how many days ago it was issued.
    func host(_ name: String, days: Double = 0, by other: TestFleet? = nil) throws -> (IdentityKey, FleetCertificate) {
        let key = IdentityKey()
        let holder: CertificateHolder = name == "tracker" ? .tracker : .host(name)
        let certificate = try (other ?? self).authority.issue(
            CertificateRequest(for: key), to: holder, now: Date(timeIntervalSinceNow: -days * Self.day))
        return (key, certificate)
    }

    func tls(_ host: (IdentityKey, FleetCertificate), revoked: Set<String> = []) throws -> MutualTLS {
        try MutualTLS(
            HostIdentity(anchor: authority.anchor, certificate: host.1, key: host.0), revoked: revoked)
    }
}

/// Somebody who speaks TLS as he likes, says one thing, and keeps what is answered.
final class Stranger: Sendable {
    private let channel: any Channel
    private let heard: Heard

    private final class Heard: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let bytes = Mutex<[UInt8]>([])
        let isClosed = Mutex(false)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.withLock { $0 += Array(Self.unwrapInboundIn(data).readableBytesView) }
        }
        func channelInactive(context: ChannelHandlerContext) { isClosed.withLock { $0 = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// - Parameter tls: the handler to speak through; none for plain bytes.
    init(
        _ loopback: Loopback, _ address: PeerAddress, saying bytes: [UInt8],
        tls: @escaping @Sendable () throws -> (any ChannelHandler)? = { nil }
    ) async throws {
        let heard = Heard()
        self.heard = heard
        channel = try await ClientBootstrap(group: loopback.group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let handler = try tls() { try channel.pipeline.syncOperations.addHandler(handler) }
                try channel.pipeline.syncOperations.addHandler(heard)
            }
        }.connect(to: SocketAddress(ipAddress: "\(address.host)", port: Int(address.port))).get()
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    var answer: [UInt8] { heard.bytes.withLock { $0 } }
    var isClosed: Bool { heard.isClosed.withLock { $0 } }
    func close() { channel.close(promise: nil) }

    /// What a peer says first.
    static func handshake(_ infoHash: InfoHash) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        Handshake(infoHash: infoHash, peerID: PeerID.generated(using: &random)).encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }

    /// TLS as a program makes it that has no certificate, or takes an older version.
    static func client(
        _ serverName: String?, identity: (IdentityKey, FleetCertificate)? = nil, atMost version: TLSVersion? = nil
    ) throws -> any ChannelHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.maximumTLSVersion = version
        if let identity {
            configuration.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: identity.1.der, format: .der))
            ]
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.0.pem.utf8), format: .pem))
        }
        return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: serverName)
    }
}
