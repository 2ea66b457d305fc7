// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

@Suite struct CatalogueRouteTests {
    private func put(
        _ torrent: [UInt8], _ path: String, on client: any TestClientProtocol
    ) async throws -> TestResponse {
        try await client.executeRequest(
            uri: "/api/v1/masters/" + path, method: .put, headers: [:], body: ByteBuffer(bytes: torrent))
    }

    private func get(_ path: String, on client: any TestClientProtocol) async throws -> TestResponse {
        try await client.executeRequest(uri: "/api/v1/masters" + path, method: .get, headers: [:], body: nil)
    }

    private func json<Value: Decodable>(_ response: TestResponse, as: Value.Type) throws -> Value {
        #expect(response.headers[.contentType]?.hasSuffix("json") == true)
        return try JSONDecoder().decode(Value.self, from: Data(Array(buffer: response.body)))
    }

    private func code(_ response: TestResponse) throws -> String {
        #expect(response.headers[.contentType] == "application/problem+json")
        let problem = try json(response, as: FleetProblem.self)
        #expect(problem.detail.hasSuffix(".") && problem.status == response.status.code)
        return problem.code.rawValue
    }

    @Test func `a published master is listed, found and given back byte by byte, also after a restart`() async throws {
        try await withTemporaryFolder { folder in
            let database = folder + "/tracker.sqlite"
            let first = try torrent(name: "debian@1.raw", content: 1)
            let second = try torrent(name: "debian@2.raw", content: 2)
            try await withRoutes(database: database) { client in
                let created = try await put(first, "debian/1?label=Debian%2012%20%C3%BC", on: client)
                #expect(created.status == .created)
                #expect(try json(created, as: PublishedMaster.self).label == "Debian 12 ü")
                #expect(try await put(second, "debian/2", on: client).status == .created)
                #expect(try await put(try torrent(name: "arch@10.raw"), "arch/10", on: client).status == .created)
            }
            try await withRoutes(database: database) { client in
                let list = try json(try await get("", on: client), as: PublishedMasters.self).masters
                #expect(list.map { "\($0.name)@\($0.version)" } == ["arch@10", "debian@1", "debian@2"])
                #expect(list.allSatisfy { $0.size == 100_000 && $0.infoHashV2?.count == 64 && $0.infoHashV1 == nil })
                #expect(list.allSatisfy { $0.published.hasSuffix("Z") && $0.published.count == 20 })
                let newest = try json(try await get("/debian", on: client), as: PublishedMaster.self)
                #expect(newest == list.last && newest.label == nil)
                let old = try json(try await get("/debian/1", on: client), as: PublishedMaster.self)
                #expect(old == list[1] && old.label == "Debian 12 ü")
                let bytes = try await get("/debian/1/torrent", on: client)
                #expect(bytes.headers[.contentType] == "application/x-bittorrent")
                #expect(Array(buffer: bytes.body) == first)
            }
        }
    }

    @Test func `publishing again is fine with the same content and refused with other content`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                let original = try torrent(name: "debian@1.raw")
                #expect(try await put(original, "debian/1?label=a", on: client).status == .created)
                let repeated = try await put(original, "debian/1?label=a", on: client)
                #expect(repeated.status == .ok)
                #expect(repeated.body == (try await get("/debian/1", on: client)).body)
                let elsewhere = try torrent(name: "debian@1.raw", trackers: ["http://t"])
                let again = try await put(elsewhere, "debian/1", on: client)
                #expect(again.status == .ok)
                #expect(try json(again, as: PublishedMaster.self).label == "a")
                let other = try await put(try torrent(name: "debian@1.raw", content: 2), "debian/1", on: client)
                #expect(other.status == .conflict)
                #expect(try code(other) == "version-exists")
                #expect(Array(buffer: try await get("/debian/1/torrent", on: client).body) == original)
            }
        }
    }

    @Test func `a bad upload is refused with a reason and leaves nothing`() async throws {
        try await withTemporaryFolder { folder in
            var limits = RequestLimits()
            limits.torrentByteCount = 4096
            var kept = StorageLimits()
            kept.masters = 1
            try await withRoutes(database: folder + "/tracker.sqlite", requests: limits, limits: kept) { client in
                let good = try torrent(name: "debian@1.raw")
                let refusals: [([UInt8], String, HTTPResponse.Status, String)] = [
                    ([], "debian/1", .unprocessableContent, "bad-torrent"),
                    (Array(good.dropLast()), "debian/1", .unprocessableContent, "bad-torrent"),
                    (good, "debian/2", .unprocessableContent, "name-mismatch"),
                    (good, "ubuntu/1", .unprocessableContent, "name-mismatch"),
                    (good, "debian/0", .badRequest, "bad-name"),
                    (good, "debian/01", .badRequest, "bad-name"),
                    (good, "debian/x", .badRequest, "bad-name"),
                    (good, "..%2Fetc/1", .badRequest, "bad-name"),
                    (good, "debian/1?label=%0A", .badRequest, "bad-label"),
                    (good, "debian/1?label=" + String(repeating: "a", count: 201), .badRequest, "bad-label"),
                    ([UInt8](repeating: 0x69, count: 4097), "debian/1", .contentTooLarge, "too-large"),
                ]
                for (body, path, status, word) in refusals {
                    let response = try await put(body, path, on: client)
                    #expect(response.status == status, "\(path)")
                    #expect(try code(response) == word, "\(path)")
                }
                #expect(try json(try await get("", on: client), as: PublishedMasters.self).masters.isEmpty)
                #expect(try await put(good, "debian/1", on: client).status == .created)
                let full = try await put(try torrent(name: "debian@2.raw"), "debian/2", on: client)
                #expect(full.status.code == 507)
                #expect(try code(full) == "catalogue-full")
            }
        }
    }

    @Test func `the list is read page by page, in order, and each master is seen once`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                let names = ["arch/10", "arch/9", "debian/1", "debian/2", "web/7"]
                for name in names {
                    let file = name.replacing("/", with: "@") + ".raw"
                    #expect(try await put(try torrent(name: file), name, on: client).status == .created)
                }
                var seen: [String] = []
                var place: String? = ""
                while let after = place {
                    let answer = try await get("?limit=2&after=" + after.replacing("@", with: "%40"), on: client)
                    let page = try json(answer, as: PublishedMasters.self)
                    #expect((1...2).contains(page.masters.count))
                    seen += page.masters.map { "\($0.name)/\($0.version)" }
                    place = page.next
                }
                #expect(seen == ["arch/9", "arch/10", "debian/1", "debian/2", "web/7"])
                for (query, word) in [
                    ("after=debian", "bad-cursor"), ("after=debian%401x", "bad-cursor"), ("limit=0", "bad-limit"),
                    ("limit=1001", "bad-limit"),
                ] {
                    let answer = try await get("?" + query, on: client)
                    #expect(answer.status == .badRequest)
                    #expect(try code(answer) == word)
                }
            }
        }
    }

    @Test func `answers that do not fit into what all may hold are put off, whatever they are`() async throws {
        try await withTemporaryFolder { folder in
            let database = folder + "/tracker.sqlite"
            try await withRoutes(database: database) { client in
                let made = try await put(try torrent(name: "debian@1.raw"), "debian/1", on: client)
                #expect(made.status == .created)
            }
            var limits = RequestLimits()
            limits.transferByteCount = 40
            try await withRoutes(database: database, requests: limits) { client in
                for path in ["", "/debian", "/debian/1", "/debian/1/torrent"] {
                    let answer = try await get(path, on: client)
                    #expect(answer.status == .serviceUnavailable)
                    #expect(try code(answer) == "busy")
                }
            }
            // What was sent counts no more.
            limits.transferByteCount = 400
            try await withRoutes(database: database, requests: limits) { client in
                for _ in 0..<5 {
                    let answer = try await get("", on: client)
                    #expect(answer.status == .ok)
                }
            }
        }
    }

    @Test func `what is not there is said in JSON`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                for path in ["/debian", "/debian/1", "/debian/1/torrent"] {
                    let response = try await get(path, on: client)
                    #expect(response.status == .notFound)
                    #expect(try code(response) == "not-published")
                }
                let lost = try await client.executeRequest(uri: "/api/v2", method: .get, headers: [:], body: nil)
                #expect(lost.status == .notFound)
                #expect(try code(lost) == "not-found")
                let misused = try await client.executeRequest(
                    uri: "/api/v1/masters/debian/1", method: .delete, headers: [:], body: nil)
                #expect(misused.status == .methodNotAllowed && misused.headers[.allow] == "GET, PUT")
                #expect(try code(misused) == "method-not-allowed")
            }
        }
    }
}
