// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
package import ImageStore
package import Logging
import NIOCore
import Synchronization

/// The peer's control socket: HTTP over a Unix socket in the store, for the command line of the same host.
///
/// `POST /v1/perform` takes a ``HostRequest`` in JSON and answers with one JSON object a line: any number of
/// `progress`, then `reply` or `failure`. `GET /v1/status` answers with the status alone, `GET /metrics` in Prometheus'
/// text. Only the store's owner may
/// connect.
package struct ControlServer: Sendable {
    /// The longest request, in bytes: the torrent of the largest image in base64 fits.
    private static let requestLimit = 96 << 20

    /// The most connections that wait for a request; where there are more the oldest ends.
    private static let waitingLimit = 64
    /// How long a request may take to arrive, and a connection may wait for one: longer than the command line keeps its
    /// own end, so that it never sends into a connection that is just being closed. Answers may take for ever.
    private static let patience = TimeAmount.seconds(120)

    private let peer: Peer
    private var service: any HostService { peer }
    private let address: ControlAddress
    private let log: Logger

    /// - Throws: ``HostFailure`` when the store's directory cannot be opened.
    package init(_ peer: Peer, layout: StoreLayout, log: Logger) throws(HostFailure) {
        self.peer = peer
        self.log = log
        address = try ControlAddress(layout)
    }

    /// Serves until the task is cancelled.
    /// - Parameter ready: called once the socket accepts connections.
    package func run(ready: @escaping @Sendable () async -> Void) async throws {
        let (path, birthplace) = (address.path, address.birthplace)
        let newborn = "\(birthplace)/sock"
        // Whoever left these names behind is gone: the store's lock is ours.
        for name in [path, newborn] { unlink(name) }
        rmdir(birthplace)
        guard mkdir(birthplace, 0o700) == 0 else {
            throw HostFailure(.failed, "the control socket cannot be made: \(String(cString: strerror(errno)))")
        }
        defer {
            for name in [path, newborn] { unlink(name) }
            rmdir(birthplace)
        }
        let router = Router()
        router.get("/v1/status") { _, _ in try await self.status() }
        router.get("/metrics") { [peer] _, _ in await MetricsListener.answer(peer) }
        router.post("/v1/perform") { request, context in try await self.perform(request) }
        let application = Application(
            router: router,
            server: GatedChannel.server(
                gate: ConnectionGate(limit: Self.waitingLimit), patience: Self.patience, answersMustBeRead: false),
            configuration: .init(address: .unixDomainSocket(path: newborn), serverName: nil),
            onServerRunning: { _ in
                // A socket has the mode of the umask at first, so that it gets its name only with the right one.
                chmod(newborn, 0o600)
                rename(newborn, path)
                rmdir(birthplace)
                await ready()
            }, logger: log)
        try await application.run()
    }

    private func status() async throws -> Response {
        let reply = try await service.perform(.status) { _ in }
        guard case .status(let report) = reply else { return Response(status: .internalServerError) }
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(report))))
    }

    private func perform(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: Self.requestLimit)
        let order = try JSONDecoder().decode(HostRequest.self, from: Data(body.readableBytesView))
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    // Only the newest progress counts: a slow reader never makes a queue.
                    let (lines, feed) = AsyncStream.makeStream(
                        of: ControlLine.self, bufferingPolicy: .bufferingNewest(1))
                    group.addTask {
                        let last: ControlLine
                        do throws(HostFailure) {
                            last = .reply(try await service.perform(order) { feed.yield(.progress($0)) })
                        } catch {
                            last = .failure(error)
                        }
                        feed.yield(last)
                        feed.finish()
                    }
                    // A reader that is gone makes the write fail, which cancels the request.
                    for await line in lines {
                        var bytes = ByteBuffer(bytes: try JSONEncoder().encode(line))
                        bytes.writeString("\n")
                        try await writer.write(bytes)
                    }
                    try await group.waitForAll()
                }
                try await writer.finish(nil)
            })
    }
}

/// One line of an answer on the control socket.
enum ControlLine: Codable, Sendable {
    case progress(HostProgress)
    case reply(HostReply)
    case failure(HostFailure)
}
