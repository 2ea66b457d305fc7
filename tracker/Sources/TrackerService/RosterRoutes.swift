// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import HTTPTypes
import Hummingbird
import Metainfo
import OperatorAccess

/// `/api/v1/hosts`: what operators see of hosts, and what they want of them.
struct RosterRoutes: Sendable {
    let fleet: Fleet

    func add(to table: inout RouteTable) {
        let fleet = fleet
        table.read("api/v1/hosts", RoutePolicy(.operators(.view))) { request, _ in
            let (selector, state) = (request.cursor("selector") ?? "all", request.cursor("state") ?? "all")
            let (after, limit) = (request.cursor("after"), try request.limit())
            return try await RolloutRoutes.answer {
                try await fleet.hosts(of: selector, in: state, after: after, limit: limit)
            }
        }
        table.read("api/v1/hosts/:host", RoutePolicy(.operators(.view))) { _, context in
            let host = try context.parameters.require("host")
            try await fleet.learn(of: host)
            return try await RolloutRoutes.answer { try await fleet.host(host) }
        }
        for (method, isDrained) in [(HTTPRequest.Method.put, true), (.delete, false)] {
            table.change(
                method, "api/v1/hosts/:host/drained", RoutePolicy(.operators(.rollOut)),
                action: isDrained ? "host.drain" : "host.undrain"
            ) { _, context in
                let host = try context.parameters.require("host")
                guard context.requester.mayOnAllLines(.rollOut) else { throw Self.notForAllLines }
                let (before, after) = try await fleet.drain(host, isDrained)
                func word(_ host: HostDocument) -> String { host.isDrained ? "drained" : "takes part" }
                context.note.set(subject: host, before: word(before), after: word(after))
                return try JSONAnswer.response(after)
            }
        }
        for (method, isPinned) in [(HTTPRequest.Method.put, true), (.delete, false)] {
            table.change(
                method, "api/v1/hosts/:host/pinned/:line", RoutePolicy(.operators(.rollOut)),
                action: isPinned ? "host.pin" : "host.unpin", line: "line"
            ) { _, context in
                let (host, line) = (try context.parameters.require("host"), try context.parameters.require("line"))
                guard MasterName.isValid(name: line) else { throw Self.badLine }
                let (before, after) = try await fleet.pin(host, to: line, isPinned)
                func word(_ host: HostDocument) -> String { host.pinned.contains(line) ? "pinned" : "follows" }
                context.note.set(subject: "\(host) \(line)", before: word(before), after: word(after))
                return try JSONAnswer.response(after)
            }
        }
    }

    static let badLine = APIError(
        .badRequest, .badName, "That is no name of a line of masters; correct the path.")
    static let notForAllLines = APIError(
        .forbidden, .forbidden,
        "Your token is for some lines of masters only, and a host is drained for all of them; pin it instead.")
}
