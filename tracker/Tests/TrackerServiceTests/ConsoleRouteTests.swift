// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import NIOCore
import OperatorAccess
import SqliteStorage
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

/// The console as a browser meets it, without one.
@Suite struct ConsoleRouteTests {
    /// A tracker with three hosts, a published master and a rollout of it that has begun.
    private func withRollout(_ body: @escaping @Sendable (Fleet) async throws -> Void) async throws {
        try await withFleet(hosts: 1...3) { fleet in
            _ = try await fleet.storage.publish(
                PublishedMaster(
                    name: "debian", version: 7, label: "<b>bold</b>", size: 1 << 30, infoHashV1: nil,
                    infoHashV2: String(repeating: "70", count: 32), published: "2026-01-31T12:00:00Z"), torrent: [7])
            let ada = try await fleet.token([.operator])
            let request = #"{"version":{"written":1,"least":1},"master":"debian@7","selector":"all"}"#
            _ = try await fleet.ask(.post, "api/v1/rollouts", by: ada, request)
            _ = try await fleet.ask(
                .post, "api/v1/rollouts/1/commands", by: ada, #"{"version":{"written":1,"least":1},"command":"start"}"#)
            try await body(fleet)
        }
    }

    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    private func get(_ path: String, _ cookie: String?, on fleet: Fleet) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        headers[.cookie] = cookie
        return try await fleet.client.executeRequest(uri: path, method: .get, headers: headers, body: nil)
    }

    private func post(
        _ path: String, _ form: String, _ cookie: String?, origin: String? = "http://localhost", on fleet: Fleet
    ) async throws -> TestResponse {
        var headers: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
        headers[.cookie] = cookie
        if let name = HTTPField.Name("Origin") { headers[name] = origin }
        return try await fleet.client.executeRequest(
            uri: path, method: .post, headers: headers, body: ByteBuffer(string: form))
    }

    /// - Returns: the session's cookie, as a browser sends it back.
    private func signIn(_ roles: Set<Role>, to fleet: Fleet) async throws -> String {
        let token = try await fleet.token(roles)
        let answer = try await post("/session", "token=\(token)", nil, on: fleet)
        #expect(answer.status == .seeOther && answer.headers[.location] == "/")
        let cookie = try #require(answer.headers[.setCookie])
        for word in ["HttpOnly", "SameSite=Strict", "Path=/"] { #expect(cookie.contains(word), "\(cookie)") }
        return String(cookie.prefix { $0 != ";" })
    }

    private func key(_ page: String) throws -> String {
        let start = try #require(page.firstRange(of: "name=\"key\" value=\"")).upperBound
        return String(page[start...].prefix { $0 != "\"" })
    }

    @Test func `whoever is not signed in gets the form for that and nothing else`() async throws {
        try await withRollout { fleet in
            for path in ["/", "/rollouts", "/hosts/h1", "/console.js", "/changes"] {
                let answer = try await get(path, nil, on: fleet)
                #expect(
                    answer.status == .unauthorized
                        && text(answer).contains("<form method=\"post\" action=\"/session\">"))
                #expect(!text(answer).contains("debian"))
                #expect(
                    answer.headers[try #require(.init("Content-Security-Policy"))]?.contains("default-src 'none'")
                        == true)
            }
            let bad = try await post("/session", "token=drv_00", nil, on: fleet)
            #expect(
                bad.status == .unauthorized && text(bad).contains("role=\"alert\"") && bad.headers[.setCookie] == nil)
            let made = try await get("/", "drover=\(String(repeating: "a", count: 64))", on: fleet)
            #expect(made.status == .unauthorized)
        }
    }

    @Test func `pages show what there is, and what was said is text on them`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.operator], to: fleet)
            let first = text(try await get("/", cookie, on: fleet))
            for word in ["debian@7", "staging", "Pause", "Roll back", "OK"] { #expect(first.contains(word), "\(word)") }
            let pages = [
                ("/rollouts", "debian@7"), ("/rollouts/1", "phase: staging"), ("/hosts", "h2"), ("/hosts/h2", "Why"),
                ("/masters", "&lt;b&gt;bold&lt;/b&gt;"), ("/swarm", "Nothing goes on"),
            ]
            for (path, word) in pages {
                let answer = try await get(path, cookie, on: fleet)
                #expect(answer.status == .ok && text(answer).contains(word), "\(path)")
                #expect(answer.headers[.cacheControl] == "no-store")
                let policy = answer.headers[try #require(.init("Content-Security-Policy"))] ?? ""
                #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
            }
            #expect(try await get("/console.css", cookie, on: fleet).headers[.contentType] == "text/css; charset=utf-8")
            // A role that may not is told so by a page, and offered nothing.
            #expect(try await get("/audit", cookie, on: fleet).status == .forbidden)
            let viewer = try await signIn([.viewer], to: fleet)
            #expect(!text(try await get("/rollouts/1", viewer, on: fleet)).contains("/rollouts/1/pause"))
            #expect(try await post("/rollouts/1/pause", "key=0123456789abcdef", viewer, on: fleet).status == .forbidden)
        }
    }

    @Test func `an action says first what it comes to, is done once, and is in the audit trail`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.operator, .admin], to: fleet)
            let asked = text(try await get("/rollouts/1/pause", cookie, on: fleet))
            #expect(asked.contains("Nothing new is activated") && asked.contains("Pause rollout 1 of debian@7?"))
            let form = "key=\(try key(asked))&reason=lunch+%26+more"
            for _ in 1...2 {
                let answer = try await post("/rollouts/1/pause", form, cookie, on: fleet)
                #expect(answer.status == .seeOther && answer.headers[.location] == "/rollouts/1")
            }
            let paused = text(try await get("/rollouts/1", cookie, on: fleet))
            #expect(paused.contains("paused: operator") && paused.contains("lunch &amp; more"))
            #expect(try await post("/hosts/h1/drain", "key=0123456789abcdef", cookie, on: fleet).status == .seeOther)
            #expect(text(try await get("/hosts/h1", cookie, on: fleet)).contains("Let it take part"))
            let audit = text(try await get("/audit", cookie, on: fleet))
            for word in ["rollout.command", "host.drain", "session.begin"] { #expect(audit.contains(word), "\(word)") }
            // An unknown action, a form without its key.
            #expect(try await get("/rollouts/1/explode", cookie, on: fleet).status == .notFound)
            #expect(try await post("/rollouts/1/resume", "", cookie, on: fleet).status == .unprocessableContent)
        }
    }

    @Test func `hosts of a rollout are shown by wave and state, a page at a time`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.viewer], to: fleet)
            let rollout = text(try await get("/rollouts/1", cookie, on: fleet))
            #expect(rollout.contains("/rollouts/1/hosts?wave=0"))
            let all = text(try await get("/rollouts/1/hosts", cookie, on: fleet))
            for name in ["h1", "h2", "h3"] { #expect(all.contains("/hosts/\(name)"), "\(name)") }
            let canaries = text(try await get("/rollouts/1/hosts?wave=0&state=staging", cookie, on: fleet))
            let shown = ["h1", "h2", "h3"].filter { canaries.contains("/hosts/\($0)") }
            #expect(shown.count == 1, "\(shown)")
            #expect(text(try await get("/rollouts/1/hosts?state=healthy", cookie, on: fleet)).contains("No host fits."))
            #expect(!text(try await get("/rollouts/1/hosts?after=h2", cookie, on: fleet)).contains("/hosts/h1"))
            #expect(try await get("/rollouts/9/hosts", cookie, on: fleet).status == .notFound)
            // What happened to one host.
            #expect(text(try await get("/hosts/h2", cookie, on: fleet)).contains("<b>staging</b>"))
        }
    }

    @Test func `a host is pinned to its version of a line, and follows again`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.operator], to: fleet)
            let asked = text(try await get("/hosts/h1/pin/debian", cookie, on: fleet))
            #expect(asked.contains("Rollouts of debian pass it by"))
            let pinned = try await post("/hosts/h1/pin/debian", "key=0123456789abcdef", cookie, on: fleet)
            #expect(pinned.status == .seeOther && pinned.headers[.location] == "/hosts/h1")
            #expect(text(try await get("/hosts?state=pinned", cookie, on: fleet)).contains("/hosts/h1"))
            #expect(try await post("/hosts/h1/unpin/debian", "", cookie, on: fleet).status == .seeOther)
            #expect(!text(try await get("/hosts?state=pinned", cookie, on: fleet)).contains("/hosts/h1"))
            #expect(try await post("/hosts/h1/pin/%3Cb%3E", "", cookie, on: fleet).status == .badRequest)
            // A token for other lines may not.
            let token = try await fleet.token([.operator], scopes: ["web-*"])
            let answer = try await post("/session", "token=\(token)", nil, on: fleet)
            let other = try #require(answer.headers[.setCookie]).prefix { $0 != ";" }
            #expect(try await post("/hosts/h1/pin/debian", "", String(other), on: fleet).status == .forbidden)
        }
    }

    @Test func `tokens are made at the console, each shown once`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.admin], to: fleet)
            let asked = text(try await get("/access/operator", cookie, on: fleet))
            let form = "key=\(try key(asked))&name=Grace&role-viewer=yes&role-operator=yes&lines=web-*&days=7"
            let made = try await post("/access/operator", form, cookie, on: fleet)
            #expect(made.status == .ok && text(made).contains("A token for Grace"))
            let secret = try #require(text(made).firstMatch(of: /drv_[0-9A-Za-z_-]+/)).output
            let session = try await post("/session", "token=\(secret)", nil, on: fleet)
            #expect(session.status == .seeOther)
            // The same form again makes no other one, and shows nothing.
            let again = try await post("/access/operator", form, cookie, on: fleet)
            #expect(again.status == .conflict && !text(again).contains("drv_"))
            let bad = try await post("/access/operator", "key=0123456789abcdef&name=Eve&days=7", cookie, on: fleet)
            #expect(bad.status == .unprocessableContent && text(bad).contains("A token needs a role"))
            for days in ["9223372036854775807", "7.5", "0", "-1"] {
                let odd = "key=0123456789abcdea&name=Eve&role-viewer=yes&days=\(days)"
                #expect(try await post("/access/operator", odd, cookie, on: fleet).status == .unprocessableContent)
            }

            let host =
                "key=\(try key(text(try await get("/access/enrolment", cookie, on: fleet))))&hosts=rack1-*&labels=rack%3Dr1"
            let token = try await post("/access/enrolment", host, cookie, on: fleet)
            #expect(token.status == .ok && text(token).contains("drover-enrol."))
            #expect(try await post("/access/enrolment", host, cookie, on: fleet).status == .conflict)
            let wrong = try await post("/access/enrolment", "key=0123456789abcdeb&hosts=Rack", cookie, on: fleet)
            #expect(wrong.status == .unprocessableContent && text(wrong).contains("is no pattern"))
            let access = text(try await get("/access", cookie, on: fleet))
            #expect(
                access.contains("Grace") && access.contains("hosts named rack1-*") && !access.contains("drover-enrol."))
            let audit = text(try await get("/audit", cookie, on: fleet))
            for word in ["token.create", "enrolment-token.create"] { #expect(audit.contains(word), "\(word)") }
            // A host of the fleet may fetch every line, so that an admin of some makes none.
            let some = try await post(
                "/session", "token=\(try await fleet.token([.admin], scopes: ["web-*"]))", nil, on: fleet)
            let narrow = String(try #require(some.headers[.setCookie]).prefix { $0 != ";" })
            #expect(!text(try await get("/access", narrow, on: fleet)).contains("/access/enrolment"))
            let refused = try await post(
                "/access/enrolment", "key=0123456789abcdec&hosts=*", narrow, on: fleet)
            #expect(refused.status == .forbidden)
            // Who may not is not asked.
            let viewer = try await signIn([.operator], to: fleet)
            for path in ["/access", "/access/operator", "/access/enrolment"] {
                #expect(try await get(path, viewer, on: fleet).status == .forbidden)
            }
        }
    }

    @Test func `another site's page changes nothing with a session, and no name of its own leads here`() async throws {
        try await withRollout { fleet in
            let cookie = try await signIn([.operator], to: fleet)
            for origin in ["http://evil.example", "null", "https://localhost", nil] {
                let answer = try await post(
                    "/rollouts/1/abort", "key=0123456789abcdef", cookie, origin: origin, on: fleet)
                #expect(answer.status == .forbidden, "\(origin ?? "none")")
            }
            #expect(text(try await get("/rollouts/1", cookie, on: fleet)).contains("staging"))
            // The API knows no sessions.
            #expect(try await get("/api/v1/rollouts", cookie, on: fleet).status == .unauthorized)
        }
    }

    @Test func `signing in with one token again and again ends its own sessions and then has to wait`() async throws {
        try await withRollout { fleet in
            let other = try await signIn([.viewer], to: fleet)
            let token = try await fleet.token([.viewer])
            var statuses: [Int] = []
            for _ in 1...12 {
                statuses.append(try await post("/session", "token=\(token)", nil, on: fleet).status.code)
            }
            #expect(statuses == Array(repeating: 303, count: 10) + [429, 429])
            #expect(try await get("/", other, on: fleet).status == .ok)
        }
    }

    @Test func `what a host claims to do cannot stop the tracker`() async throws {
        try await withRollout { fleet in
            let most = UInt64.max
            let wild = HostActivity(
                port: 6881, down: most, up: most,
                fetches: [
                    .init(
                        master: "debian@7", bytes: most, size: 1, rate: most, rarestCopies: 0, least: nil, most: nil,
                        cause: "<b>", finding: "<i>", map: "zz")
                ], neighbours: [.init(address: "x", down: most, up: most)])
            // What is read from outside is bounded before anybody adds it up.
            let bytes = Array(try JSONEncoder().encode(HostNotice(reports: [], activity: wild)))
            #expect(try JSONDecoder().decode(HostNotice.self, from: Data(bytes)).activity == nil)
        }
    }

    @Test func `a session ends with its token, and when somebody signs out`() async throws {
        try await withRollout { fleet in
            let first = try await signIn([.viewer], to: fleet)
            #expect(try await post("/session/end", "", first, on: fleet).status == .seeOther)
            #expect(try await get("/", first, on: fleet).status == .unauthorized)
            // A session begins no other one: that takes the token.
            let alone = try await post("/session", "", try await signIn([.viewer], to: fleet), on: fleet)
            #expect(alone.status == .unauthorized && alone.headers[.setCookie] == nil)
            let second = try await signIn([.viewer], to: fleet)
            #expect(try await get("/", second, on: fleet).status == .ok)
            let admin = try await fleet.token([.admin])
            let tokens = try await fleet.storage.tokens(after: nil, limit: 100).elements
            for token in tokens where token.roles == [.viewer] {
                _ = try await fleet.ask(.delete, "api/v1/tokens/\(token.id)", by: admin)
            }
            #expect(try await get("/", second, on: fleet).status == .unauthorized)
        }
    }
}
