// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Console
import FleetProtocol
import FleetService
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Metainfo
import NIOCore
import OperatorAccess
import ServiceLifecycle
import TrackerProtocol
import TrackerStorage

/// The console's pages: what the API has, for people.
struct ConsoleRoutes: Sendable {
    let fleet: Fleet
    let storage: any StorageEngine
    let overview: OverviewDesk
    let door: ConsoleDoor
    let limits: RequestLimits
    let clock: @Sendable () -> Int64
    let places: WatcherPlaces

    private static let formLimit = 8 << 10
    private static let momentsShown = 60
    private static let recordsShown = 100
    private static let looking = RoutePolicy(.operators(.view))
    private static let acting = RoutePolicy(.operators(.rollOut))

    func add(to table: inout RouteTable) {
        addSession(to: &table)
        table.page("console.css", Self.looking) { _, _ in Self.asset(ConsoleAssets.style, "text/css") }
        table.page("console.js", Self.looking) { _, _ in Self.asset(ConsoleAssets.script, "text/javascript") }
        table.page("changes", Self.looking) { _, _ in try changes() }
        table.page("", Self.looking) { _, context in
            let viewer = context.viewer
            let overview = try await overview.overview()
            return ConsoleDoor.html(ConsolePage.overview(overview, for: viewer).html(for: viewer))
        }
        addRollouts(to: &table)
        addHosts(to: &table)
        addOthers(to: &table)
    }

    // MARK: Signing in

    private func addSession(to table: inout RouteTable) {
        table.signIn("session", Self.looking) { _, context in
            guard case .operator(let holder) = context.requester else {
                throw APIError(.forbidden, .forbidden, "The console is for operators; use an operator's token.")
            }
            context.note.set(subject: holder.id)
            return Self.redirect("/", [.setCookie: door.cookie(door.sessions.begin(holder.id, at: clock()))])
        }
        table.act("session/end", Self.looking, action: "session.end") { request, context in
            if case .operator(let holder) = context.requester { context.note.set(subject: holder.id) }
            if let secret = door.session(of: request) { door.sessions.end(secret) }
            return Self.redirect("/", [.setCookie: door.cookie(nil)])
        }
    }

    // MARK: Rollouts

    private func addRollouts(to table: inout RouteTable) {
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
            let troubled = try await fleet.troubled(in: number).map { place in
                RolloutHost(
                    name: place.host, wave: place.wave, state: place.state, since: place.since, code: place.code,
                    hasLog: place.hasLog)
            }
            let moments = try await fleet.moments(of: number, limit: Self.momentsShown).map {
                RolloutMoment(at: $0.at, by: $0.by, text: $0.text)
            }
            let page = ConsolePage.rollout(status, troubled: troubled, moments: moments, for: context.viewer)
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

    // MARK: Hosts

    private func addHosts(to table: inout RouteTable) {
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
    }

    // MARK: The rest

    private func addOthers(to table: inout RouteTable) {
        table.page("masters", Self.looking) { request, context in
            let after = try request.cursor("after").map { text in
                guard let master = MasterName(text) else { throw Request.badCursor }
                return master
            }
            let page = try await storage.masters(after: after, limit: try request.limit())
            let spread = await fleet.spread()
            let masters = page.elements.map { entry in
                let name = "\(entry.name)@\(entry.version)"
                return MasterScene(
                    master: name, size: entry.size, published: entry.published, label: entry.label,
                    held: spread[name]?.held ?? 0, active: spread[name]?.active ?? 0, clones: spread[name]?.clones ?? 0)
            }
            return ConsoleDoor.html(
                ConsolePage.masters(masters, next: page.next.map { "\($0)" }).html(for: context.viewer))
        }
        table.page("swarm", Self.looking) { _, context in
            let (nodes, flows) = SwarmPicture.of(await fleet.glances())
            return ConsoleDoor.html(ConsolePage.swarm(nodes, flows).html(for: context.viewer))
        }
        table.page("audit", RoutePolicy(.operators(.readAudit))) { request, context in
            var before = try await lastAuditNumber() + 1
            if let text = request.cursor("before") {
                guard let number = Int(text), number > 0 else { throw Request.badCursor }
                before = min(before, number)
            }
            let first = max(0, before - 1 - Self.recordsShown)
            let lines =
                before > 1 ? try await storage.auditLines(after: first, limit: before - 1 - first).elements : []
            let records = lines.reversed().compactMap { AuditChain.record(in: $0.filter { $0 != "\n" }) }
            let entries = records.map { record in
                AuditScene(
                    at: Self.time(record.at), actor: record.actor, action: record.action, subject: record.subject,
                    outcome: record.outcome, request: record.request ?? "")
            }
            let next = first > 0 && !records.isEmpty ? "\(first + 1)" : nil
            return ConsoleDoor.html(ConsolePage.audit(entries, next: next).html(for: context.viewer))
        }
        table.page("access", RoutePolicy(.operators(.manageTokens))) { _, context in
            let now = clock()
            let operators = try await Self.all { try await storage.tokens(after: $0, limit: StorageLimits.page) }
            let enrolments = try await Self.all {
                try await storage.enrolmentTokens(after: $0, limit: StorageLimits.page)
            }
            let page = ConsolePage.access(
                operators: Self.validFirst(operators.map { TokenScene($0, at: now) }),
                enrolments: Self.validFirst(enrolments.map { TokenScene($0, at: now) }), for: context.viewer)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.page("access/:id/revoke", RoutePolicy(.operators(.manageTokens))) { _, context in
            let id = try context.parameters.require("id")
            guard let token = try await storage.token(id: id) else { throw Self.noSuchToken }
            let page = ConsolePage.confirm(
                "Revoke the token of \(token.name)?", at: .access,
                ["Whoever uses it is refused from this moment on, and signed out of the console. It cannot be undone."],
                action: "/access/\(id)/revoke", word: "Revoke", back: "/access", key: Self.freshKey(), asksReason: false
            )
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.act("access/:id/revoke", RoutePolicy(.operators(.manageTokens)), action: "token.revoke") { _, context in
            let id = try context.parameters.require("id")
            guard let token = try await storage.revokeToken(id: id, at: clock()) else { throw Self.noSuchToken }
            context.note.set(before: token.revoked == nil ? "valid" : "revoked", after: "revoked")
            return Self.redirect("/access")
        }
    }

    /// The number of the newest record, found by halving: the storage is asked for what comes after a record.
    private func lastAuditNumber() async throws -> Int {
        var (low, high) = (0, 1)
        while try await !storage.auditLines(after: high, limit: 1).elements.isEmpty { (low, high) = (high, high * 2) }
        while low < high {
            let middle = (low + high) / 2
            if try await storage.auditLines(after: middle, limit: 1).elements.isEmpty {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }

    /// Everything of a list that the storage bounds.
    private static func all<Element>(
        _ page: (String?) async throws -> Page<Element, String>
    ) async throws -> [Element] {
        var all: [Element] = []
        var next: String?
        repeat {
            let more = try await page(next)
            all += more.elements
            next = more.next
        } while next != nil
        return all
    }

    /// Those that count, and of the others a few.
    private static func validFirst(_ tokens: [TokenScene]) -> [TokenScene] {
        tokens.filter(\.isValid) + tokens.filter { !$0.isValid }.prefix(recordsShown)
    }

    private static let noSuchToken = APIError(.notFound, .noSuchToken, "There is no such token.")

    /// Says once a second at most that something has changed, and so that the page is to be read again.
    private func changes() throws -> Response {
        let place = try places.take()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                let clock = ContinuousClock()
                let end = clock.now.advanced(by: .seconds(limits.eventStreamSeconds))
                var known = await fleet.fingerprint()
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                while clock.now < end, !Task.isShuttingDownGracefully {
                    try await Task.sleep(for: .seconds(1))
                    let now = await fleet.fingerprint()
                    try await writer.write(ByteBuffer(string: now == known ? ":\n\n" : "event: change\ndata: \n\n"))
                    known = now
                }
                try await writer.finish(nil)
                withExtendedLifetime(place) {}
            })
    }

    private static func asset(_ bytes: [UInt8], _ type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "\(type); charset=utf-8", .cacheControl: "private, max-age=300"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private static func redirect(_ path: String, _ headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.location] = path
        return Response(status: .seeOther, headers: headers)
    }

    static func form(_ request: Request) async throws -> [String: String] {
        guard let body = try? await request.body.collect(upTo: formLimit) else {
            throw APIError(.contentTooLarge, .tooLarge, "The form is longer than \(formLimit) bytes; make it shorter.")
        }
        let text = String(buffer: body)
        guard let form = try? URLEncodedFormDecoder().decode([String: String].self, from: text) else {
            throw APIError(.unprocessableContent, .badDocument, "The form cannot be read; go back and try again.")
        }
        return form
    }

    /// Under what name a rollout remembers what was asked for.
    private static func key(_ form: [String: String], _ context: TrackerContext) throws -> String {
        guard let key = form["key"], (16...64).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw APIError(.unprocessableContent, .badDocument, "The form lacks its key; go back and try again.")
        }
        return SHA256Digest(hashing: Array("\(context.requester.actor)\n\(key)".utf8)).hex
    }

    private static func freshKey() -> String {
        (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined(separator: "-")
    }

    static func time(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601) }
}

extension TrackerContext {
    /// What a page knows of who looks at it.
    var viewer: Viewer {
        Viewer(
            name: operatorName, mayRollOut: requester.may(.rollOut), mayReadAudit: requester.may(.readAudit),
            mayManageHosts: requester.may(.manageHosts), mayManageTokens: requester.may(.manageTokens))
    }
}

extension TokenScene {
    init(_ token: OperatorToken, at now: Int64) {
        let lines = token.scopes.isEmpty ? "" : " for \(token.scopes.map { "\($0)" }.sorted().joined(separator: ", "))"
        self.init(
            id: token.id, name: token.name,
            grants: token.isOneTime
                ? "making one token" : token.roles.sorted().map(\.rawValue).joined(separator: ", ") + lines,
            expires: ConsoleRoutes.time(token.expires),
            state: token.revoked != nil ? "revoked" : token.isValid(at: now) ? "valid" : "expired",
            isValid: token.isValid(at: now))
    }

    init(_ token: StoredEnrolmentToken, at now: Int64) {
        let isValid = token.used == nil && token.expires > now
        self.init(
            id: token.id, name: token.used.map { "used by \($0.host)" } ?? "not used",
            grants: "hosts named \(token.pattern)", expires: ConsoleRoutes.time(token.expires),
            state: token.used != nil ? "used" : isValid ? "valid" : "expired", isValid: isValid)
    }
}
