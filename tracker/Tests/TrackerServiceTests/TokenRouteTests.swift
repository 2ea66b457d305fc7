// SPDX-License-Identifier: Apache-2.0

import AuditTrail
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

@Suite struct TokenRouteTests {
    private struct Created: Decodable {
        let token: String
        let entry: Entry
    }

    private struct Entry: Decodable {
        let id: String
        let roles: [String]
        let expires: Int64
        let revoked: Int64?
    }

    private struct List: Decodable {
        let tokens: [Entry]
        let next: String?
    }

    private func read<Value: Decodable>(_ response: TestResponse, _ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(Array(buffer: response.body)))
    }

    private func records(_ fleet: Fleet) async throws -> [AuditRecord] {
        var records: [AuditRecord] = []
        _ = try await fleet.storage.verifiedAudit { record, _ in records.append(record) }
        return records
    }

    @Test func `the one-time token makes an admin, who makes, lists and withdraws tokens`() async throws {
        try await withFleet { fleet in
            let once = try await fleet.token([.admin], isOneTime: true)
            let wanted = #"{"name":"alice","roles":["admin"],"expiresIn":50}"#
            let made = try await fleet.ask(.post, "api/v1/tokens", by: once, wanted)
            #expect(made.status == .created)
            let alice: Created = try read(made)
            #expect(alice.entry.roles == ["admin"] && alice.entry.expires == Fleet.now + 50)
            #expect(try await fleet.ask(.post, "api/v1/tokens", by: once, wanted).status == .unauthorized)

            let body = #"{"name":"bob","roles":["viewer","publisher"],"scopes":["web-*"]}"#
            let bob: Created = try read(try await fleet.ask(.post, "api/v1/tokens", by: alice.token, body))
            #expect(try await fleet.ask(.get, "api/v1/masters", by: bob.token).status == .ok)
            #expect(try await fleet.ask(.get, "api/v1/tokens", by: bob.token).status == .forbidden)
            let list = try await fleet.ask(.get, "api/v1/tokens?limit=2", by: alice.token)
            let page: List = try read(list)
            #expect(page.tokens.count == 2 && page.next != nil)
            let text = String(buffer: list.body)
            #expect(!text.contains("drv_") && !text.contains("digest"))

            for _ in 0..<2 {
                let path = "api/v1/tokens/\(bob.entry.id)"
                #expect(try await fleet.ask(.delete, path, by: alice.token).status == .noContent)
                #expect(try await fleet.ask(.get, "api/v1/masters", by: bob.token).status == .unauthorized)
            }
            #expect(try await fleet.ask(.delete, "api/v1/tokens/nope", by: alice.token).status == .notFound)
        }
    }

    @Test func `what makes no token is refused with a reason, and does not use the one-time token up`() async throws {
        try await withFleet { fleet in
            let once = try await fleet.token([.admin], isOneTime: true)
            for body in [
                "", "[]", #"{"name":"","roles":["viewer"]}"#, #"{"name":"a","roles":[]}"#,
                #"{"name":"a","roles":["root"]}"#, #"{"name":"a","roles":["viewer"],"scopes":["/"]}"#,
                #"{"name":"a","roles":["viewer"],"expiresIn":0}"#, #"{"name":"a\u0007","roles":["viewer"]}"#,
                #"{"name":"a","roles":["viewer"],"expiresIn":9223372036854775807}"#,
            ] {
                #expect(try await fleet.ask(.post, "api/v1/tokens", by: once, body).status == .unprocessableContent)
            }
            let long = #"{"name":""# + String(repeating: "a", count: 20_000) + "\"}"
            #expect(try await fleet.ask(.post, "api/v1/tokens", by: once, long).status == .contentTooLarge)
            let body = #"{"name":"a","roles":["viewer"]}"#
            #expect(try await fleet.ask(.post, "api/v1/tokens", by: once, body).status == .created)
        }
    }

    @Test func `nobody gives away more lines than they have`() async throws {
        try await withFleet { fleet in
            let token = try await fleet.token([.admin], scopes: ["web-*", "db"])
            for (scopes, status) in [
                ("[]", HTTPResponse.Status.forbidden), (#"["*"]"#, .forbidden), (#"["db"]"#, .created),
            ] {
                let body = #"{"name":"a","roles":["publisher"],"scopes":\#(scopes)}"#
                #expect(try await fleet.ask(.post, "api/v1/tokens", by: token, body).status == status, "\(scopes)")
            }
        }
    }

    @Test func `each change, and each attempt at one, is one record of who, what and which request`() async throws {
        try await withFleet { fleet in
            let publisher = try await fleet.token([.publisher])
            let id = try #require(TokenSecret(publisher)).id
            let body = String(decoding: try torrent(name: "debian@1.raw"), as: UTF8.self)
            _ = try await fleet.ask(.put, "api/v1/masters/debian/1", by: publisher, body, id: "first")
            let secret = try await fleet.ask(.get, "api/v1/audit", by: publisher, id: "bad id")
            _ = try await fleet.ask(.delete, "api/v1/tokens/abc", by: nil, id: "third")
            _ = try await fleet.ask(.get, "api/v1/masters", by: publisher)
            let records = try await records(fleet)
            #expect(records.map(\.action) == ["master.publish", "GET api/v1/audit", "token.revoke"])
            #expect(records.map(\.subject) == ["debian@1", "", "abc"])
            #expect(records.map(\.outcome) == ["bad-torrent", "forbidden", "unauthenticated"])
            #expect(records.map(\.actor.withoutBrackets) == ["operator \(id)", "operator \(id)", "anonymous"])
            #expect(records[0].request == "first" && records[2].request == "third")
            let name = try #require(HTTPField.Name("X-Request-Id"))
            #expect(records[1].request == secret.headers[name] && records[1].request != "bad id")
            #expect(!records.contains { "\($0)".contains(publisher) })
        }
    }

    @Test func `a request for a token that is sent again makes no second one`() async throws {
        try await withFleet { fleet in
            let admin = try await fleet.token([.admin])
            let other = try await fleet.token([.admin])
            let wanted = #"{"name":"a","roles":["viewer"]}"#
            let key = try #require(HTTPField.Name("Idempotency-Key"))
            func ask(_ body: String, _ name: String, by token: String) async throws -> HTTPResponse.Status {
                try await fleet.client.executeRequest(
                    uri: "/api/v1/tokens", method: .post, headers: [.authorization: "Bearer \(token)", key: name],
                    body: ByteBuffer(string: body)
                ).status
            }
            // What is refused has used up no key.
            #expect(try await ask(#"{"name":"a","roles":["king"]}"#, "k", by: admin) == .unprocessableContent)
            #expect(try await ask(wanted, "k", by: admin) == .created)
            let count = try await fleet.storage.tokens(after: nil, limit: 100).elements.count
            #expect(try await ask(wanted, "k", by: admin) == .conflict)
            #expect(try await ask(#"{"name":"b","roles":["viewer"]}"#, "k", by: admin) == .conflict)
            for bad in [String(repeating: "k", count: 129), "", "a b", "é"] {
                #expect(try await ask(wanted, bad, by: admin) == .badRequest)
            }
            #expect(try await fleet.storage.tokens(after: nil, limit: 100).elements.count == count)
            #expect(try await ask(wanted, "k", by: other) == .created)
            #expect(try await ask(wanted, "l", by: admin) == .created)
        }
    }

    @Test func `every route that changes something leaves exactly one record`() async throws {
        try await withFleet { fleet in
            let token = try await fleet.token(Set(Role.allCases))
            for route in fleet.routes where route.action != nil && route.policy.door != .open {
                let before = try await records(fleet).count
                let path = route.path.split(separator: "/").map { $0.hasPrefix(":") ? "1" : $0 }.joined(separator: "/")
                _ = try await fleet.ask(route.method, path, by: token)
                let after = try await records(fleet)
                #expect(after.count == before + 1 && after.last?.action == route.action, "\(route)")
            }
        }
    }

    @Test func `strangers cannot fill the trail, and what was left out is counted`() async throws {
        try await withFleet { fleet in
            for _ in 0..<130 { _ = try await fleet.ask(.get, "api/v1/masters", by: nil) }
            #expect(try await records(fleet).count == 100)
        }
    }

    @Test func `a change that cannot be written down is not made`() async throws {
        var limits = StorageLimits()
        limits.auditRecords = 0
        try await withFleet(limits: limits) { fleet in
            let admin = try await fleet.token([.admin])
            let answer = try await fleet.ask(
                .post, "api/v1/tokens", by: admin, #"{"name":"a","roles":["viewer"]}"#)
            #expect(answer.status.code == 507)
            #expect(try read(answer, FleetProblem.self).code == .storageFull)
            #expect(try await fleet.storage.tokens(after: nil, limit: 9).elements.count == 1)
        }
    }

    @Test func `the trail is read page by page, and its lines verify`() async throws {
        try await withFleet { fleet in
            struct Lines: Decodable {
                let lines: [String]
                let next: Int?
            }
            let admin = try await fleet.token([.admin])
            for _ in 0..<5 { _ = try await fleet.ask(.delete, "api/v1/tokens/nope", by: admin) }
            var chain = AuditChain()
            var next: Int? = 0
            while let after = next {
                let page: Lines = try read(try await fleet.ask(.get, "api/v1/audit?limit=2&after=\(after)", by: admin))
                for line in page.lines { _ = try chain.follow(line) }
                next = page.next
            }
            #expect(chain.count == 5)
            for query in ["after=x", "after=-1", "limit=0", "limit=1001", "limit=x"] {
                #expect(try await fleet.ask(.get, "api/v1/audit?\(query)", by: admin).status == .badRequest)
            }
        }
    }
}

extension String {
    /// What stands before the words in brackets.
    fileprivate var withoutBrackets: String { split(separator: " (").first.map(String.init) ?? self }
}
