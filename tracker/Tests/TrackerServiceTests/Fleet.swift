// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FleetProtocol
import FleetService
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import OperatorAccess
import SqliteStorage
import Synchronization
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

/// A tracker with tokens, reached without a socket, whose clock stands still.
struct Fleet: Sendable {
    static let now: Int64 = 1_000_000

    let client: any TestClientProtocol
    let storage: SqliteStorage
    let routes: [RouteTable.Route]
    private let count = Count()

    final class Count: Sendable {
        private let value = Mutex<UInt8>(0)
        func next() -> UInt8 {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }

    init(client: any TestClientProtocol, storage: SqliteStorage, routes: [RouteTable.Route]) {
        self.client = client
        self.storage = storage
        self.routes = routes
    }

    func secret(_ byte: UInt8) throws -> TokenSecret {
        try #require(TokenSecret(bytes: [UInt8](repeating: byte, count: 32)))
    }

    /// A token that the tracker knows.
    func token(
        _ roles: Set<Role>, scopes: [String] = [], isOneTime: Bool = false, expires: Int64 = Self.now + 100
    ) async throws -> String {
        let secret = try secret(count.next())
        let token = OperatorToken(
            digest: secret.digest, name: "somebody", roles: roles, scopes: Set(scopes.compactMap { LineScope($0) }),
            isOneTime: isOneTime, creator: "local", created: 0, expires: expires)
        #expect(try await storage.addToken(token, usingUp: nil))
        return secret.text
    }

    /// One request, with a token.
    func ask(
        _ method: HTTPRequest.Method, _ path: String, by token: String?, _ body: String = "", id: String? = nil
    ) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        headers[.authorization] = token.map { "Bearer \($0)" }
        if let id, let name = HTTPField.Name("X-Request-Id") { headers[name] = id }
        return try await client.executeRequest(
            uri: "/" + path, method: method, headers: headers, body: ByteBuffer(string: body))
    }
}

/// Calls `body` with a tracker of a fleet.
/// - Parameter hosts: how many hosts, `h1` and so on, are enrolled and have said what they have.
func withFleet(
    access: TrackerAccess = .fleet, limits: StorageLimits = StorageLimits(), hosts: ClosedRange<UInt8>? = nil,
    requests: RequestLimits = RequestLimits(), _ body: @escaping @Sendable (Fleet) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        let address = try #require(PeerAddress(parsing: "127.0.0.1:0"))
        var configuration = TrackerConfiguration(listen: [address])
        configuration.access = access
        configuration.requests = requests
        configuration.authority = try FleetAuthority(fleet: "test", now: Date())
        let storage = try SqliteStorage(path: folder + "/tracker.sqlite", limits: limits)
        for number in hosts.map(Array.init) ?? [] { try await enrol("h\(number)", number, in: storage) }
        let epoch = try await storage.settleEpoch(fresh: "5f2a", at: 3).epoch
        let rollouts = try await FleetService.Fleet.open(storage, epoch: epoch) { Fleet.now * 1000 }
        for number in hosts.map(Array.init) ?? [] {
            let facts = HostFacts(
                program: "0.4.0", labels: [:], freeBytes: 100 << 30, capacityBytes: 200 << 30, lines: [])
            _ = try await rollouts.take(HostNotice(reports: [], facts: facts), from: "h\(number)")
        }
        let server = TrackerServer(
            configuration: configuration, storage: storage, logger: .quiet, fleet: rollouts, clock: { Fleet.now })
        try await server.application.test(.router) { client in
            try await body(Fleet(client: client, storage: storage, routes: server.routes))
        }
    }
}

/// Enrols a host as if with a token.
func enrol(_ name: String, _ number: UInt8, in storage: SqliteStorage) async throws {
    let digest = [UInt8](repeating: number, count: 32)
    _ = try await storage.addEnrolmentToken(
        StoredEnrolmentToken(
            id: "t\(number)", digest: digest, pattern: "*", creator: "ada", created: 1, expires: 1000))
    _ = try await storage.enrol(
        StoredHost(name: name, enrolled: 2),
        StoredCertificate(serial: "0\(number)", host: name, issued: 2, expires: 5000), redeeming: digest,
        replacing: false, at: 2)
}
