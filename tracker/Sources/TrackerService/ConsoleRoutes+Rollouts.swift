// SPDX-License-Identifier: Apache-2.0

import Console
import FleetProtocol
import FleetService
import Hummingbird
import OperatorAccess
import TrackerStorage

/// Rollouts, and what can be done with them.
extension ConsoleRoutes {
    private static let momentsShown = 60

    func addRollouts(to table: inout RouteTable) {
        table.page("rollouts", Self.looking) { request, context in
            let before = try request.cursor("before").map { text in
                guard let number = UInt64(text) else { throw Request.badCursor }
                return number
            }
            let list = try await fleet.list(before: before, limit: 50)
            return ConsoleDoor.html(ConsolePage.rollouts(list).html(for: context.viewer))
        }
        table.page("rollouts/:number", Self.looking) { _, context in
            let number = try context.rolloutNumber()
            let status = try await fleet.status(number)
            let places = try await fleet.troubled(in: number)
            let excerpts = try await fleet.excerpts(of: number, places.filter(\.hasLog).map(\.host))
            let troubled = places.map { RolloutHost($0, excerpt: excerpts[$0.host]) }
            let moments = try await fleet.moments(of: number, limit: Self.momentsShown).map {
                RolloutMoment($0)
            }
            let page = ConsolePage.rollout(status, troubled: troubled, moments: moments, for: context.viewer)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.page("rollouts/:number/hosts", Self.looking) { request, context in
            let number = try context.rolloutNumber()
            let (wave, state) = (request.cursor("wave").flatMap { Int($0) }, request.cursor("state"))
            let status = try await fleet.status(number)
            let (places, next) = try await fleet.places(
                in: number, wave: wave, state: state, after: request.cursor("after"), limit: FleetLimits.hostPage)
            let page = ConsolePage.hosts(
                of: status, places.map { RolloutHost($0, excerpt: nil) }, wave: wave, state: state, next: next)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.page("rollouts/:number/log/:host", Self.looking) { _, context in
            let (number, host) = (try context.rolloutNumber(), try context.parameters.require("host"))
            let log = String(decoding: try await fleet.log(number, host), as: UTF8.self)
            return ConsoleDoor.html(ConsolePage.log(of: host, in: number, log).html(for: context.viewer))
        }
        table.page("rollouts/:number/:command", Self.acting) { _, context in
            let (number, command) = (try context.rolloutNumber(), try Self.command(context))
            let status = try await fleet.status(number)
            let page = ConsolePage.confirm(
                "\(command.title) rollout \(number) of \(status.master)?", at: .rollouts, command.consequences(status),
                action: "/rollouts/\(number)/\(command.rawValue)", word: command.title, back: "/rollouts/\(number)",
                key: Self.freshKey(), asksReason: true)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.act("rollouts/:number/:command", Self.acting, action: "rollout.command") { request, context in
            let (number, command) = (try context.rolloutNumber(), try Self.command(context))
            let form = try await Self.form(request)
            let before = try await fleet.status(number)
            try context.check(.rollOut, on: String(before.master.prefix { $0 != "@" }))
            let reason = form["reason"].flatMap { $0.isEmpty ? nil : $0 }
            guard (reason?.utf8.count ?? 0) <= FleetLimits.textBytes else {
                throw APIError(
                    .unprocessableContent, .badDocument,
                    "The reason has more than \(FleetLimits.textBytes) bytes; make it shorter.")
            }
            let wanted = RolloutCommandRequest(.init(rawValue: command.rawValue), reason: reason)
            let after = try await fleet.command(
                wanted, to: number, by: context.operatorName, key: try Self.key(form, context))
            context.note.set(
                subject: "\(number) \(after.master): \(command.rawValue)", before: before.phase.rawValue,
                after: after.phase.rawValue)
            return Self.redirect("/rollouts/\(number)")
        }
    }

    private static func command(_ context: TrackerContext) throws -> ConsoleCommand {
        guard let command = ConsoleCommand(rawValue: try context.parameters.require("command")) else {
            throw APIError(.notFound, .notFound, "There is no such page; the overview leads to all there are.")
        }
        return command
    }
}

extension RolloutHost {
    init(_ place: RolloutPlace, excerpt: String?) {
        self.init(
            name: place.host, wave: place.wave, state: place.state, since: place.since, code: place.code,
            hasLog: place.hasLog, excerpt: excerpt)
    }
}

extension RolloutMoment {
    init(_ news: RolloutNews) { self.init(at: news.at, by: news.by, text: news.text, rollout: news.rollout) }
}
