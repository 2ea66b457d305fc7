// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// An HTTP server on loopback that has one image at `/images/test@1.raw`, and can misbehave.
final class ImageServer: Sendable {
    enum Habit: Equatable, Sendable {
        case good
        /// `/images/…` sends on to `/moved/…` of the same server.
        case redirects
        /// Sends on to this server.
        case redirectsTo(port: Int)
        case ignoresRanges
        /// The body breaks off half way.
        case truncates
        /// Answers with another range.
        case shifts
        case missing
    }

    let port: Int
    private let task: Task<Void, any Error>
    private let count: Counter

    private final class Counter: Sendable {
        let requests = Mutex(0)
        let ranges = Mutex<[String]>([])
    }

    /// Requests answered so far.
    var requests: Int { count.requests.withLock { $0 } }
    /// The ranges asked for.
    var ranges: [String] { count.ranges.withLock { $0 } }

    init(_ bytes: [UInt8], _ habit: Habit = .good) async throws {
        let count = Counter()
        let router = Router()
        router.get("/images/**") { request, _ in
            count.requests.withLock { $0 += 1 }
            switch habit {
            case .redirects: return Response(status: .found, headers: [.location: "/moved/test@1.raw"])
            case .redirectsTo(let port):
                return Response(
                    status: .found, headers: [.location: "http://127.0.0.1:\(port)/images/test@1.raw"])
            case .missing: return Response(status: .notFound)
            default: return Self.answer(request, bytes, habit, count)
            }
        }
        router.get("/moved/**") { request, _ in Self.answer(request, bytes, habit, count) }
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "image server")
        logger.logLevel = .critical
        let application = Application(
            router: router,
            server: GatedChannel.server(
                gate: ConnectionGate(limit: 100), patience: .seconds(60), answersMustBeRead: false),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                found.yield(channel.localAddress?.port ?? 0)
                found.finish()
            }, logger: logger)
        task = Task { try await application.run() }
        self.count = count
        var port = 0
        for await found in ports { port = found }
        self.port = port
    }

    private static func answer(_ request: Request, _ bytes: [UInt8], _ habit: Habit, _ count: Counter) -> Response {
        guard habit != .ignoresRanges, let text = request.headers[.range], text.hasPrefix("bytes=") else {
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        count.ranges.withLock { $0.append(text) }
        let ends = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[0] <= ends[1], ends[1] < bytes.count else {
            return Response(status: .rangeNotSatisfiable)
        }
        let shift = habit == .shifts ? 1 : 0
        let body = bytes[ends[0]...(habit == .truncates ? (ends[0] + ends[1]) / 2 : ends[1])]
        return Response(
            status: .partialContent,
            headers: [.contentRange: "bytes \(ends[0] + shift)-\(ends[1] + shift)/\(bytes.count)"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    func stop() async {
        task.cancel()
        _ = try? await task.value
    }
}
