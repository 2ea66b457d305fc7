// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import HTTPTypes
import Hummingbird
import Metainfo
import NIOCore
import OperatorAccess

/// `/api/v1/rollouts`: what operators ask of rollouts.
struct RolloutRoutes: Sendable {
    let fleet: Fleet
    let onceOnly: OnceOnly

    func add(to table: inout RouteTable) {
        let (fleet, onceOnly) = (fleet, onceOnly)
        table.read("api/v1/rollouts", RoutePolicy(.operators(.view))) { request, _ in
            let before = try request.cursor("before").map { text in
                guard let number = UInt64(text) else { throw Request.badCursor }
                return number
            }
            let limit = min(try request.limit(), 50)
            return try await Self.answer { try await fleet.list(before: before, limit: limit) }
        }
        table.read("api/v1/rollouts/:number", RoutePolicy(.operators(.view))) { _, context in
            let number = try context.rolloutNumber()
            return try await Self.answer { try await fleet.status(number) }
        }
        table.read("api/v1/rollouts/:number/hosts/:host", RoutePolicy(.operators(.view))) { _, context in
            let (number, host) = (try context.rolloutNumber(), try context.parameters.require("host"))
            return try await Self.answer { try await fleet.why(number, host) }
        }
        table.read("api/v1/rollouts/:number/hosts/:host/log", RoutePolicy(.operators(.view))) { _, context in
            let (number, host) = (try context.rolloutNumber(), try context.parameters.require("host"))
            let log = try await fleet.log(number, host)
            // Whatever a guest wrote: nothing that a browser should make anything of.
            return Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: log)))
        }
        table.hear("api/v1/rollouts/plan", RoutePolicy(.operators(.rollOut))) { request, context in
            let wanted = try await Self.wanted(request, context)
            return try await Self.answer { try await fleet.plan(wanted) }
        }
        table.change(
            .post, "api/v1/rollouts", RoutePolicy(.operators(.rollOut)), action: "rollout.create"
        ) { request, context in
            let wanted = try await Self.wanted(request, context)
            let key = try OnceOnly.key(of: request)
            return try await Self.answer(.created) {
                try await fleet.create(wanted, by: context.operatorName, key: key)
            }
        }
        table.change(
            .post, "api/v1/rollouts/:number/commands", RoutePolicy(.operators(.rollOut)), action: "rollout.command"
        ) { request, context in
            let number = try context.rolloutNumber()
            let wanted: RolloutCommandRequest = try await request.document(upTo: FleetLimits.operatorDocumentBytes)
            let before = try await fleet.status(number)
            try context.check(.rollOut, on: String(before.master.prefix { $0 != "@" }))
            return try await onceOnly.performKnown(request, context, try JSONAnswer.bytes(wanted)) { key in
                let after = try await fleet.command(wanted, to: number, by: context.operatorName, key: key)
                let host = wanted.host.map { " \($0)" } ?? ""
                context.note.set(
                    subject: "\(number) \(after.master): \(wanted.command)\(host)", before: before.phase.rawValue,
                    after: after.phase.rawValue)
                return try JSONAnswer.response(after)
            }
        }
    }

    private static func wanted(_ request: Request, _ context: TrackerContext) async throws -> RolloutRequest {
        let wanted: RolloutRequest = try await request.document(upTo: FleetLimits.operatorDocumentBytes)
        context.note.set(subject: "\(wanted.master) on \(wanted.selector)")
        try context.check(.rollOut, on: wanted.master.name)
        return wanted
    }

    static func answer(
        _ status: HTTPResponse.Status = .ok, _ body: () async throws -> some Encodable
    ) async throws -> Response {
        try JSONAnswer.response(try await body(), status: status)
    }
}

/// `/api/v1/fleet`: what hosts say, and what they are told.
struct FleetRoutes: Sendable {
    let fleet: Fleet
    /// What all reports that are being received may hold in memory.
    let reports: TransferBudget

    func add(to table: inout RouteTable) {
        let (fleet, reports) = (fleet, reports)
        table.read("api/v1/fleet/orders", RoutePolicy(.hosts)) { request, context in
            let tag = request.cursor("after")
            let wait = request.cursor("wait").flatMap { Int($0) } ?? 0
            guard (0...FleetLimits.longestWait).contains(wait) else {
                throw APIError(
                    .badRequest, .malformed,
                    "An answer is kept back for 0 to \(FleetLimits.longestWait) seconds; ask for a number between.")
            }
            let host = try context.hostName()
            return try await RolloutRoutes.answer {
                try await fleet.orders(for: host, after: tag, wait: .seconds(wait))
            }
        }
        table.hear("api/v1/fleet/report", RoutePolicy(.hosts)) { request, context in
            let notice: HostNotice = try await request.document(
                upTo: FleetLimits.hostDocumentBytes, within: reports)
            let (host, origin) = (try context.hostName(), context.observedHost.map { "\($0)" })
            return try await RolloutRoutes.answer { try await fleet.take(notice, from: host, at: origin) }
        }
    }
}

extension TrackerContext {
    func rolloutNumber() throws -> UInt64 {
        guard let number = UInt64(try parameters.require("number")) else {
            throw APIError(.badRequest, .malformed, "A rollout has a number; correct the path.")
        }
        return number
    }

    fileprivate func hostName() throws -> String {
        guard case .host(let name) = requester else {
            throw APIError(.forbidden, .forbidden, "This is for enrolled hosts; use a host's certificate.")
        }
        return name
    }

    /// Who a rollout's log names.
    var operatorName: String {
        if case .operator(let holder) = requester { holder.name } else { requester.actor }
    }

    /// Tokens may be for some lines of masters only.
    func check(_ permission: Permission, on line: String) throws {
        guard requester.may(permission, on: line) else {
            throw APIError(
                .forbidden, .forbidden, "\(requester.actor) may not do this to the line \(line.prefix(63)).")
        }
    }
}
