// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import OperatorAccess
import SqliteStorage
import Testing
import TrackerService

/// Every route of the tracker, whatever rooms there are, held to its policy.
@Suite struct RouteTableTests {
    private func request(
        _ route: RouteTable.Route, by token: String? = nil, on client: any TestClientProtocol
    ) async throws -> TestResponse {
        let path = route.path.split(separator: "/").map { $0.hasPrefix(":") ? "1" : $0 }.joined(separator: "/")
        var headers: HTTPFields = [:]
        headers[.authorization] = token.map { "Bearer \($0)" }
        return try await client.executeRequest(uri: "/\(path)", method: route.method, headers: headers, body: nil)
    }

    private func permission(_ route: RouteTable.Route) -> Permission? {
        switch route.policy.door {
        case .operators(let permission), .hostsAndOperators(let permission): permission
        case .open, .tracker, .hosts: nil
        }
    }

    @Test func `a fleet's routes want credentials, but for three at most and announces`() async throws {
        try await withFleet { fleet in
            let guarded = fleet.routes.filter { ![.open, .tracker].contains($0.policy.door) }
            #expect(fleet.routes.filter { $0.policy.door == .open }.count <= 3)
            #expect(Set(fleet.routes.filter { $0.policy.door == .tracker }.map(\.path)) == ["announce", "scrape"])
            #expect(guarded.count >= 12)
            let unknown = try fleet.secret(200).text
            for route in guarded {
                let answer = try await request(route, on: fleet.client)
                #expect(answer.status == .unauthorized, "\(route)")
                #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true, "\(route)")
                for bad in [unknown, "drv_", "x", try fleet.secret(1).text + "0"] {
                    #expect(try await request(route, by: bad, on: fleet.client).status == .unauthorized, "\(route)")
                }
            }
            for route in fleet.routes where !guarded.contains(route) {
                #expect(try await request(route, on: fleet.client).status != .unauthorized, "\(route)")
            }
        }
    }

    @Test func `what a role does not allow is forbidden, and what it allows is not`() async throws {
        // A stream of events ends at once, so that its status is all that is waited for.
        var requests = RequestLimits()
        requests.eventStreamSeconds = 0
        try await withFleet(requests: requests) { fleet in
            for role in Role.allCases {
                let token = try await fleet.token([role])
                for route in fleet.routes where ![.open, .tracker].contains(route.policy.door) {
                    let status = try await request(route, by: token, on: fleet.client).status
                    #expect(status != .unauthorized, "\(role) \(route)")
                    let isAllowed = permission(route).map(role.permissions.contains) ?? false
                    #expect((status == .forbidden) == !isAllowed, "\(role) \(route) \(status)")
                }
            }
        }
    }

    @Test func `a token that is expired, withdrawn or for one time opens nothing more`() async throws {
        try await withFleet { fleet in
            let expired = try await fleet.token([.admin], expires: Fleet.now)
            let once = try await fleet.token([.admin], isOneTime: true)
            let withdrawn = try await fleet.token([.admin])
            _ = try await fleet.storage.revokeToken(id: try #require(TokenSecret(withdrawn)).id, at: Fleet.now)
            for route in fleet.routes where ![.open, .tracker].contains(route.policy.door) {
                for token in [expired, withdrawn] {
                    #expect(try await request(route, by: token, on: fleet.client).status == .unauthorized)
                }
                guard permission(route) != .createTokens else { continue }
                #expect(try await request(route, by: once, on: fleet.client).status == .forbidden, "\(route)")
            }
        }
    }

    @Test func `a token for some lines publishes those`() async throws {
        try await withFleet { fleet in
            let token = try await fleet.token([.publisher], scopes: ["web-*"])
            for (name, status) in [("web-1", HTTPResponse.Status.created), ("debian", .forbidden)] {
                let answer = try await fleet.client.executeRequest(
                    uri: "/api/v1/masters/\(name)/1", method: .put, headers: [.authorization: "Bearer \(token)"],
                    body: ByteBuffer(bytes: try torrent(name: "\(name)@1.raw")))
                #expect(answer.status == status)
            }
        }
    }

    @Test func `an open tracker takes and shows masters without credentials, and guards the rest`() async throws {
        try await withFleet(access: .open) { fleet in
            for route in fleet.routes where ![.open, .tracker].contains(route.policy.door) {
                let status = try await request(route, on: fleet.client).status
                let isOpen =
                    route.path.hasPrefix("api/v1/masters") || ["api/v1/openapi.json", "metrics"].contains(route.path)
                #expect((status == .unauthorized) == !isOpen, "\(route)")
                // Bad credentials are never passed over.
                #expect(try await request(route, by: "x", on: fleet.client).status == .unauthorized, "\(route)")
            }
        }
    }
}
