// SPDX-License-Identifier: Apache-2.0

import FleetService
import FoundationEssentials
import Hummingbird
import HummingbirdTesting
import Logging
import Metainfo
import OperatorAccess
import SqliteStorage
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage
import Trust

/// A folder of a test's own, removed with all it holds when the body ends.
func withTemporaryFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.path + "/drover-tracker-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// A tracker that runs on real sockets of loopback while the body runs, with the addresses it listens on.
func withRunningTracker<Value: Sendable>(
    listen: [String] = ["127.0.0.1:0"], requests: RequestLimits = RequestLimits(),
    _ body: @escaping @Sendable ([PeerAddress]) async throws -> Value
) async throws -> Value {
    try await withRunningTracker(listen: listen, datagrams: [], requests: requests) { listening, _ in
        try await body(listening)
    }
}

/// The same with announces over UDP, at the addresses that come second.
func withRunningTracker<Value: Sendable>(
    listen: [String] = ["127.0.0.1:0"], datagrams: [String], requests: RequestLimits = RequestLimits(),
    lag: (@Sendable () -> Duration)? = nil,
    _ body: @escaping @Sendable ([PeerAddress], [PeerAddress]) async throws -> Value
) async throws -> Value {
    try await withTemporaryFolder { folder in
        let addresses = listen.compactMap { PeerAddress(parsing: $0) }
        var configuration = TrackerConfiguration(
            listen: addresses, datagrams: datagrams.compactMap { PeerAddress(parsing: $0) })
        configuration.requests = requests
        let storage = try SqliteStorage(path: folder + "/tracker.sqlite")
        return try await whileRunning(
            TrackerServer(configuration: configuration, storage: storage, logger: .quiet, lag: lag),
            listeners: addresses.count + datagrams.count, body)
    }
}

/// A fleet's tracker that runs on a real socket of loopback while the body runs.
func withRunningTracker<Value: Sendable>(
    storage: SqliteStorage, fleet: FleetService.Fleet,
    _ body: @escaping @Sendable (PeerAddress) async throws -> Value
) async throws -> Value {
    var configuration = TrackerConfiguration(listen: [try #require(PeerAddress(parsing: "127.0.0.1:0"))])
    configuration.access = .fleet
    let server = TrackerServer(configuration: configuration, storage: storage, logger: .quiet, fleet: fleet)
    return try await whileRunning(server, listeners: 1) { listening, _ in
        try await body(try #require(listening.first))
    }
}

private func whileRunning<Value: Sendable>(
    _ server: TrackerServer, listeners: Int,
    _ body: @escaping @Sendable ([PeerAddress], [PeerAddress]) async throws -> Value
) async throws -> Value {
    let (listening, continuation) = AsyncStream<(PeerAddress, isUDP: Bool)>.makeStream()
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await server.run(
                signals: false, onListening: { continuation.yield(($0, false)) },
                onListeningToDatagrams: { continuation.yield(($0, true)) })
            return nil
        }
        group.addTask {
            var actual: [(PeerAddress, isUDP: Bool)] = []
            for await address in listening {
                actual.append(address)
                if actual.count == listeners { break }
            }
            return try await body(actual.filter { !$0.isUDP }.map(\.0), actual.filter(\.isUDP).map(\.0))
        }
        var value: Value?
        while value == nil, let next = try await group.next() { value = next }
        group.cancelAll()
        return try #require(value)
    }
}

/// Calls `body` with a client for the routes of a tracker on the database at `path`, without a socket.
func withRoutes<Value>(
    database path: String, requests: RequestLimits = RequestLimits(), limits: StorageLimits = StorageLimits(),
    trustRoot: TrustRoot? = nil,
    _ body: @Sendable (any TestClientProtocol) async throws -> Value
) async throws -> Value {
    let address = try #require(PeerAddress(parsing: "127.0.0.1:0"))
    var configuration = TrackerConfiguration(listen: [address])
    configuration.requests = requests
    configuration.trustRoot = trustRoot
    let storage = try SqliteStorage(path: path, limits: limits)
    return try await TrackerServer(configuration: configuration, storage: storage, logger: .quiet)
        .application.test(.router, body)
}

/// One GET on a connection of its own, so that the tracker sees where it comes from.
func get(_ path: String, from address: PeerAddress) async throws -> TestClient.Response {
    let client = TestClient(host: "\(address.host)", port: Int(address.port))
    client.connect()
    do {
        let response = try await client.execute(TestClient.Request(path, method: .get, headers: [:]))
        try await client.shutdown()
        return response
    } catch {
        try? await client.shutdown()
        throw error
    }
}

extension Logger {
    /// A logger that says nothing.
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// A small torrent of a master; `content` decides its info-hash.
func torrent(name: String, content: UInt8 = 1, trackers: [String] = []) throws -> [UInt8] {
    let geometry = try #require(PieceGeometry(size: 100_000, pieceLength: 262_144))
    return TorrentWriter(
        name: name, geometry: geometry, pieceHashes: [SHA256Digest(hashing: [content])], trackers: trackers
    ).encoded
}

/// One PUT on a connection of its own.
func put(_ path: String, _ body: String, to address: PeerAddress) async throws -> TestClient.Response {
    let client = TestClient(host: "\(address.host)", port: Int(address.port))
    client.connect()
    do {
        let response = try await client.execute(
            TestClient.Request(path, method: .put, headers: [:], body: ByteBuffer(string: body)))
        try await client.shutdown()
        return response
    } catch {
        try? await client.shutdown()
        throw error
    }
}
