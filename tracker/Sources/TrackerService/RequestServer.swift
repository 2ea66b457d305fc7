// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import FleetIdentity
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import TrackerProtocol

/// The tracker on one address over HTTP: a ``RequestListener`` for announces, and an HTTP server for what it hands over.
struct RequestServer: Service {
    private let listener: RequestListener
    private let http: GatedChannel
    private let tls: TrackerTLS?
    private let logger: Logger
    private let onListening: @Sendable (PeerAddress) -> Void

    /// - Throws: ``TrackerError`` when the address cannot be had.
    init(
        listener: RequestListener, tls: TrackerTLS? = nil, responder: some HTTPResponder<TrackerContext>,
        gate: ConnectionGate,
        limits: RequestLimits, logger: Logger, onListening: @escaping @Sendable (PeerAddress) -> Void
    ) {
        self.listener = listener
        self.tls = tls
        self.logger = logger
        self.onListening = onListening
        let heads = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headerFieldByteCount, maxHeaderListSize: limits.headerByteCount,
            maxHeaderFieldCount: limits.headerFieldCount)
        http = GatedChannel(
            responder: { request, writer, channel in
                let source = ApplicationRequestContextSource(channel: channel, logger: logger)
                var context = TrackerContext(source: source)
                if tls != nil { context.shownCertificate = await ServerTLS.certificate(shownOn: channel) }
                var response: Response
                do {
                    response = try await responder.respond(to: request, context: context)
                } catch let error as HTTPParserError {
                    // The HTTP server answers what is no HTTP.
                    throw error
                } catch {
                    logger.error("a request failed", metadata: ["error": "\(error)"])
                    response = APIErrorAnswer.fault
                }
                response.headers[.date] = Self.date
                try await writer.write(response: response.head, body: response.body)
            }, gate: gate, patience: .seconds(limits.idleSeconds), answersMustBeRead: true, limits: heads)
    }

    func run() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        onListening(listener.address)
        let (handedOver, continuation) = AsyncStream<Int32>.makeStream()
        let open = OpenChannels()
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { [listener] in
                    try? await pool.runIfActive { listener.serve { continuation.yield($0) } }
                    continuation.finish()
                }
                for await socket in handedOver { group.addTask { await serve(socket, open) } }
                open.quiesce()
            }
        } onCancelOrGracefulShutdown: { [listener] in
            listener.end()
        }
        try await pool.shutdownGracefully()
    }

    /// Serves what the listener handed over, to its end.
    private func serve(_ socket: Int32, _ open: OpenChannels) async {
        defer { listener.ended() }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: tls == nil)
        // It may have ended meanwhile.
        guard
            let value = try? await bootstrap.withConnectedSocket(
                socket,
                channelInitializer: { [http, tls, logger] channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(tls.accepting()) }
                    }.flatMap { http.setup(channel: channel, logger: logger) }
                })
        else { return }
        open.insert(value.channel)
        await http.handle(value: value, logger: logger)
        open.remove(value.channel)
    }

    /// The time as HTTP has it.
    private static var date: String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The connections that the HTTP server has, to tell them when the tracker stops.
    private final class OpenChannels: Sendable {
        private struct State {
            var channels: [ObjectIdentifier: any Channel] = [:]
            var isStopping = false
        }

        private let state = Mutex(State())

        func insert(_ channel: any Channel) {
            let isStopping = state.withLock { state in
                state.channels[ObjectIdentifier(channel)] = channel
                return state.isStopping
            }
            if isStopping { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }

        func remove(_ channel: any Channel) { state.withLock { $0.channels[ObjectIdentifier(channel)] = nil } }

        /// Each ends once its request is answered.
        func quiesce() {
            let channels = state.withLock { state in
                state.isStopping = true
                return Array(state.channels.values)
            }
            for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }
    }
}
