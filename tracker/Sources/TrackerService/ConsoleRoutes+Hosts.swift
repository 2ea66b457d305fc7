// SPDX-License-Identifier: Apache-2.0

import Console
import FleetProtocol
import FleetService
import Hummingbird
import Metainfo
import OperatorAccess

/// Hosts, and what operators want of them.
extension ConsoleRoutes {
    private static let eventsShown = 30

    func addHosts(to table: inout RouteTable) {
        table.page("hosts", Self.looking) { request, context in
            let selector = request.cursor("selector") ?? "all"
            let state = request.cursor("state") ?? "all"
            let list = try await fleet.hosts(
                of: selector, in: state, after: request.cursor("after"), limit: FleetLimits.hostPage)
            var activities: [String: HostActivity] = [:]
            for host in list.hosts { activities[host.name] = await fleet.glance(host.name)?.activity }
            let page = ConsolePage.hosts(list, activities: activities, selector: selector, state: state)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.page("hosts/:host", Self.looking) { _, context in
            let name = try context.parameters.require("host")
            try await fleet.learn(of: name)
            let host = try await fleet.host(name)
            var scene = HostScene()
            if let glance = await fleet.glance(name) {
                (scene.activity, scene.samples) = (glance.activity, glance.samples)
            }
            scene.reasons = await fleet.reasons(for: name)
            scene.events = try await fleet.moments(about: name, limit: Self.eventsShown).map { RolloutMoment($0) }
            return ConsoleDoor.html(ConsolePage.host(host, scene, for: context.viewer).html(for: context.viewer))
        }
        for isDrained in [true, false] {
            let (word, title) = isDrained ? ("drain", "Drain") : ("undrain", "Let it take part")
            table.page("hosts/:host/\(word)", Self.acting) { _, context in
                let name = try context.parameters.require("host")
                let host = try await fleet.host(name)
                let page = ConsolePage.confirm(
                    isDrained ? "Drain \(host.name)?" : "Let \(host.name) take part again?", at: .hosts,
                    isDrained
                        ? [
                            "No rollout takes it along until somebody lets it take part again.",
                            "What it has stays as it is, and its clones run on. A rollback still reaches it.",
                        ] : ["Rollouts that are under way take it along, and so do later ones."],
                    action: "/hosts/\(host.name)/\(word)", word: title, back: "/hosts/\(host.name)",
                    key: Self.freshKey(), asksReason: false)
                return ConsoleDoor.html(page.html(for: context.viewer))
            }
            table.act("hosts/:host/\(word)", Self.acting, action: "host.\(word)") { _, context in
                let name = try context.parameters.require("host")
                guard context.requester.mayOnAllLines(.rollOut) else { throw RosterRoutes.notForAllLines }
                let (before, after) = try await fleet.drain(name, isDrained)
                func word(_ host: HostDocument) -> String { host.isDrained ? "drained" : "takes part" }
                context.note.set(subject: name, before: word(before), after: word(after))
                return Self.redirect("/hosts/\(after.name)")
            }
        }
        addPins(to: &table)
    }

    private func addPins(to table: inout RouteTable) {
        for isPinned in [true, false] {
            let (word, title) = isPinned ? ("pin", "Pin") : ("unpin", "Let it follow")
            table.page("hosts/:host/\(word)/:line", Self.acting) { _, context in
                let (host, line) = (try await fleet.host(context.parameters.require("host")), try Self.line(context))
                let version = host.facts?.lines.first { $0.name == line }?.active
                let now = version.map { "version \($0)" } ?? "what it has"
                let page = ConsolePage.confirm(
                    isPinned ? "Pin \(host.name) to its version of \(line)?" : "Let \(host.name) follow \(line) again?",
                    at: .hosts,
                    isPinned
                        ? [
                            "Rollouts of \(line) pass it by until somebody lets it follow again: it stays at \(now).",
                            "Its clones run on. Rollouts of other lines take it along.",
                        ] : ["Rollouts of \(line) that are under way take it along, and so do later ones."],
                    action: "/hosts/\(host.name)/\(word)/\(line)", word: title, back: "/hosts/\(host.name)",
                    key: Self.freshKey(), asksReason: false)
                return ConsoleDoor.html(page.html(for: context.viewer))
            }
            table.act("hosts/:host/\(word)/:line", Self.acting, action: "host.\(word)") { _, context in
                let (name, line) = (try context.parameters.require("host"), try Self.line(context))
                try context.check(.rollOut, on: line)
                let (before, after) = try await fleet.pin(name, to: line, isPinned)
                func word(_ host: HostDocument) -> String { host.pinned.contains(line) ? "pinned" : "follows" }
                context.note.set(subject: "\(name) \(line)", before: word(before), after: word(after))
                return Self.redirect("/hosts/\(after.name)")
            }
        }
    }

    private static func line(_ context: TrackerContext) throws -> String {
        let line = try context.parameters.require("line")
        guard MasterName.isValid(name: line) else { throw RosterRoutes.badLine }
        return line
    }
}
