// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import FleetProtocol
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Metainfo
import NIOCore
import Synchronization
import TrackerProtocol

/// The fleet's routes of a tracker, its catalogue and the images themselves, on loopback. It says what a test wants said, and
/// keeps what hosts say.
final class PlayedTracker: Sendable {
    /// How it answers hosts.
    enum Habit: Sendable {
        case good
        case fails
        case babbles
    }

    struct Master: Sendable {
        let published: PublishedMaster
        let torrent: [UInt8]
        let image: [UInt8]
    }

    struct State: Sendable {
        var habit = Habit.good
        var orders = HostOrders(tag: "0", orders: [], contactSeconds: 2)
        var masters: [String: Master] = [:]
        var notices: [HostNotice] = []
        var questions = 0
        /// Statuses with which the next questions are refused: about the catalogue, and those of operators.
        var catalogueRefusals: [Int] = []
        var operatorRefusals: [Int] = []
        /// What operators asked.
        var asked: [String] = []
    }

    let port: Int
    private let state = Box()
    private let task: Task<Void, any Error>

    private final class Box: Sendable { let state = Mutex(State()) }

    var url: String { "http://127.0.0.1:\(port)" }
    var now: State { state.state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) { state.state.withLock { body(&$0) } }

    /// The newest report of the host.
    var report: HostReport? { now.notices.last?.reports.first }

    /// Orders something, in the place of what was ordered before.
    func order(
        _ step: FleetOrder.Step, _ master: MasterName, previous: Int? = nil, probed: Bool = false,
        epoch: String = "1-a", infoHash: String? = nil, linkPercent: Int = 30
    ) {
        change { state in
            let number = (state.orders.orders.first?.stamp.order ?? 0) + 1
            let published = state.masters["\(master)"]?.published.infoHashV2 ?? ""
            state.orders = HostOrders(
                tag: "\(epoch):\(number)",
                orders: [
                    FleetOrder(
                        stamp: OrderStamp(epoch: epoch, rollout: 1, order: number), step: step, master: master,
                        infoHash: infoHash ?? published, previous: previous, isProbed: probed,
                        stageRatePercent: linkPercent)
                ], contactSeconds: 2)
        }
    }

    init() async throws {
        let box = state
        let router = Router()
        router.get("/api/v1/fleet/orders") { _, _ in
            box.state.withLock { $0.questions += 1 }
            return try Self.answer(box)
        }
        router.post("/api/v1/fleet/report") { request, _ in
            let body = try await request.body.collect(upTo: FleetLimits.hostDocumentBytes)
            let notice = try JSONDecoder().decode(HostNotice.self, from: Data(body.readableBytesView))
            if case .good = box.state.withLock(\.habit) { box.state.withLock { $0.notices.append(notice) } }
            return try Self.answer(box)
        }
        for method in [HTTPRequest.Method.get, .post] {
            router.on("/api/v1/rollouts/**", method: method) { request, _ in
                let refusal = box.state.withLock { state in
                    state.asked.append("\(request.method) \(request.uri.path)")
                    return state.operatorRefusals.isEmpty ? nil : state.operatorRefusals.removeFirst()
                }
                if let refusal { return try Self.problem(refusal) }
                return try Self.json(
                    RolloutStatusDocument(
                        rollout: 1, master: "base@2", selector: "all", phase: .succeeded,
                        since: "2026-01-31T12:00:00Z", pause: nil, wave: 0, waves: [], hosts: [:], failures: [:],
                        blocked: [:], clones: [:], nextBy: nil, sequence: 1))
            }
        }
        router.get("/api/v1/masters/:name/:version") { _, context in
            let refusal = box.state.withLock { state in
                state.catalogueRefusals.isEmpty ? nil : state.catalogueRefusals.removeFirst()
            }
            if let refusal { return try Self.problem(refusal) }
            return try Self.json(Self.master(box, context).published)
        }
        router.get("/api/v1/masters/:name/:version/torrent") { _, context in
            Response(
                status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Self.master(box, context).torrent)))
        }
        router.get("/images/:file") { request, context in
            let file = try context.parameters.require("file")
            guard let image = box.state.withLock({ $0.masters[String(file.dropLast(4))] })?.image,
                let range = request.headers[.range], range.hasPrefix("bytes=")
            else { throw HTTPError(.notFound) }
            let ends = range.dropFirst(6).split(separator: "-").compactMap { Int($0) }
            guard ends.count == 2, ends[0] <= ends[1], ends[1] < image.count else {
                throw HTTPError(.rangeNotSatisfiable)
            }
            return Response(
                status: .partialContent, headers: [.contentRange: "bytes \(ends[0])-\(ends[1])/\(image.count)"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: image[ends[0]...ends[1]])))
        }
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "played tracker")
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
        var port = 0
        for await found in ports { port = found }
        self.port = port
    }

    func stop() async {
        task.cancel()
        _ = try? await task.value
    }

    private static func answer(_ box: Box) throws -> Response {
        let state = box.state.withLock { $0 }
        switch state.habit {
        case .good: return try json(state.orders)
        case .fails: throw HTTPError(.internalServerError)
        case .babbles: return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "{\"tag\": 7}")))
        }
    }

    /// A refusal as trackers word it; with 503 they say when to come back.
    private static func problem(_ status: Int) throws -> Response {
        let problem = FleetProblem(status: status, code: status == 409 ? .conflict : .busy, detail: "Not now.")
        var response = try json(problem)
        response.status = .init(code: status)
        if status == 503 { response.headers[.retryAfter] = "1" }
        return response
    }

    private static func json(_ value: some Encodable) throws -> Response {
        Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(value))))
    }

    private static func master(_ box: Box, _ context: some RequestContext) throws -> Master {
        let key = "\(try context.parameters.require("name"))@\(try context.parameters.require("version"))"
        guard let master = box.state.withLock({ $0.masters[key] }) else { throw HTTPError(.notFound) }
        return master
    }
}
