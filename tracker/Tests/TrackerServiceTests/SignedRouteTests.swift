// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Metainfo
import NIOCore
import Testing
import TrackerProtocol
import TrackerService
import Trust

@Suite struct SignedRouteTests {
    private let key: SigningKey
    private let root: TrustRoot

    init() throws {
        key = try #require(SigningKey(seed: [UInt8](repeating: 7, count: 32)))
        root = TrustRoot(
            serial: 1, threshold: 1, keys: [TrustRoot.Publisher(name: "alice", key: try #require(key.publicKey))])
    }

    private func signed(_ statement: some SignedStatement, by key: SigningKey? = nil) throws -> SignedEnvelope {
        var envelope = try SignedEnvelope(statement)
        try envelope.sign(with: key ?? self.key)
        return envelope
    }

    private func statement(of torrent: [UInt8], _ version: Int = 1, created: Int64 = 100) throws -> MasterStatement {
        let metainfo = try Metainfo(torrent: torrent)
        return MasterStatement(
            name: try #require(MasterName(name: "debian", version: version)),
            infoHashV2: try #require(metainfo.infoHashes.v2), size: metainfo.geometry.size, created: created,
            expires: created + 1000)
    }

    private func pointer(_ serial: Int, _ current: Int, _ name: String = "debian") -> LinePointer {
        LinePointer(
            name: name, serial: serial, current: current, overrules: current, revoked: [], created: 0, expires: 9)
    }

    private func put(
        _ body: [UInt8], _ path: String, on client: any TestClientProtocol
    ) async throws -> (HTTPResponse.Status, String?) {
        let response = try await client.executeRequest(
            uri: "/api/v1/masters/" + path, method: .put, headers: [:], body: ByteBuffer(bytes: body))
        let error = try? JSONDecoder().decode(FleetProblem.self, from: Data(Array(buffer: response.body)))
        return (response.status, error?.code.rawValue)
    }

    private func get(_ path: String, on client: any TestClientProtocol) async throws -> [UInt8]? {
        let response = try await client.executeRequest(
            uri: "/api/v1/masters/" + path, method: .get, headers: [:], body: nil)
        return response.status == .ok ? Array(buffer: response.body) : nil
    }

    @Test func `what is signed is handed on as it is, signatures add up, and what is newer takes its place`()
        async throws
    {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                let torrent = try torrent(name: "debian@1.raw")
                let first = try signed(statement(of: torrent))
                #expect(
                    try await put(first.json, "debian/1/statement", on: client) == (
                        .unprocessableContent, "mix-and-match"
                    ))
                _ = try await put(torrent, "debian/1", on: client)
                #expect(try await get("debian/1/statement", on: client) == nil)
                for _ in 0..<2 {
                    #expect(try await put(first.json, "debian/1/statement", on: client).0 == .noContent)
                    #expect(try await get("debian/1/statement", on: client) == first.json)
                }
                let other = try #require(SigningKey(seed: [UInt8](repeating: 8, count: 32)))
                let second = try signed(statement(of: torrent), by: other)
                #expect(try await put(second.json, "debian/1/statement", on: client).0 == .noContent)
                let both = try SignedEnvelope(json: try #require(try await get("debian/1/statement", on: client)))
                #expect(both.signatures.count == 2)
                let later = try signed(statement(of: torrent, created: 200))
                #expect(try await put(later.json, "debian/1/statement", on: client).0 == .noContent)
                #expect(try await put(first.json, "debian/1/statement", on: client) == (.conflict, "superseded"))
                #expect(try await get("debian/1/statement", on: client) == later.json)
            }
        }
    }

    @Test func `pointers only go forward`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                let two = try signed(pointer(2, 1))
                #expect(
                    try await put(two.json, "debian/pointer", on: client) == (.unprocessableContent, "mix-and-match"))
                _ = try await put(try torrent(name: "debian@1.raw"), "debian/1", on: client)
                for _ in 0..<2 { #expect(try await put(two.json, "debian/pointer", on: client).0 == .noContent) }
                #expect(
                    try await put(try signed(pointer(1, 1)).json, "debian/pointer", on: client) == (
                        .conflict, "superseded"
                    ))
                #expect(
                    try await put(try signed(pointer(2, 5)).json, "debian/pointer", on: client) == (
                        .conflict, "superseded"
                    ))
                #expect(try await put(try signed(pointer(3, 5)).json, "debian/pointer", on: client).0 == .noContent)
                #expect(
                    try await put(try signed(pointer(9, 5, "arch")).json, "debian/pointer", on: client) == (
                        .unprocessableContent, "name-mismatch"
                    ))
            }
        }
    }

    @Test func `what was filed before the publishers were known makes way for what they sign`() async throws {
        try await withTemporaryFolder { folder in
            let torrent = try torrent(name: "debian@1.raw")
            let stranger = try #require(SigningKey(seed: [UInt8](repeating: 8, count: 32)))
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                _ = try await put(torrent, "debian/1", on: client)
                let rubbish = try signed(statement(of: torrent, created: 1 << 60), by: stranger)
                #expect(try await put(rubbish.json, "debian/1/statement", on: client).0 == .noContent)
            }
            try await withRoutes(database: folder + "/tracker.sqlite", trustRoot: root) { client in
                let honest = try signed(statement(of: torrent))
                #expect(try await put(honest.json, "debian/1/statement", on: client).0 == .noContent)
                #expect(try await get("debian/1/statement", on: client) == honest.json)
            }
        }
    }

    @Test func `a tracker that knows the publishers takes nobody else's word`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite", trustRoot: root) { client in
                let torrent = try torrent(name: "debian@1.raw")
                _ = try await put(torrent, "debian/1", on: client)
                let stranger = try #require(SigningKey(seed: [UInt8](repeating: 8, count: 32)))
                let forged = try signed(statement(of: torrent), by: stranger)
                #expect(
                    try await put(forged.json, "debian/1/statement", on: client) == (
                        .unprocessableContent, "unknown-key"
                    ))
                #expect(
                    try await put(Array("{}".utf8), "debian/1/statement", on: client) == (
                        .unprocessableContent, "malformed"
                    ))
                #expect(
                    try await put(
                        [UInt8](repeating: 0x20, count: SignedEnvelope.byteLimit + 1), "debian/1/statement", on: client)
                        == (.contentTooLarge, "too-large"))
                #expect(
                    try await put(try signed(statement(of: torrent)).json, "debian/1/statement", on: client).0
                        == .noContent)
            }
        }
    }
}
