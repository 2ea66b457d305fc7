// SPDX-License-Identifier: Apache-2.0

import Console
import FleetIdentity
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
    let look: SharedLook
    /// Whose hosts enrol here; nobody's when `nil`.
    let anchor: FleetAnchor?
    let door: ConsoleDoor
    let limits: RequestLimits
    let clock: @Sendable () -> Int64
    let places: WatcherPlaces

    private static let formLimit = 8 << 10
    static let looking = RoutePolicy(.operators(.view))
    static let acting = RoutePolicy(.operators(.rollOut))

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
        addAccess(to: &table)
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

    /// Says once a second at most that something has changed, and so that the page is to be read again.
    private func changes() throws -> Response {
        let place = try places.take()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                let clock = ContinuousClock()
                let end = clock.now.advanced(by: .seconds(limits.eventStreamSeconds))
                var known = await look.latest().fingerprint
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                while clock.now < end, !Task.isShuttingDownGracefully {
                    try await Task.sleep(for: .seconds(1))
                    let now = await look.latest().fingerprint
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

    static func redirect(_ path: String, _ headers: HTTPFields = [:]) -> Response {
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
    static func key(_ form: [String: String], _ context: TrackerContext) throws -> String {
        guard let key = form["key"], (16...64).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw APIError(.unprocessableContent, .badDocument, "The form lacks its key; go back and try again.")
        }
        return SHA256Digest(hashing: Array("\(context.requester.actor)\n\(key)".utf8)).hex
    }

    static func freshKey() -> String {
        (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined(separator: "-")
    }

    static func time(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601) }
}

extension TrackerContext {
    /// What a page knows of who looks at it.
    var viewer: Viewer {
        Viewer(
            name: operatorName, mayRollOut: requester.may(.rollOut), mayReadAudit: requester.may(.readAudit),
            mayManageHosts: requester.may(.manageHosts), mayManageTokens: requester.may(.manageTokens),
            mayCreateTokens: requester.may(.createTokens))
    }
}
