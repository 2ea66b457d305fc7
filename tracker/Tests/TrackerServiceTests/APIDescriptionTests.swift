// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import NIOCore
import OperatorAccess
import Testing
import TrackerService

/// The OpenAPI document, held against the route table.
@Suite struct APIDescriptionTests {
    /// A part of the document.
    private indirect enum Value: Decodable {
        case object([String: Value])
        case list([Value])
        case text(String)
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let object = try? container.decode([String: Value].self) {
                self = .object(object)
            } else if let list = try? container.decode([Value].self) {
                self = .list(list)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .other
            }
        }

        subscript(key: String) -> Value? { if case .object(let object) = self { object[key] } else { nil } }
        var members: [String: Value] { if case .object(let object) = self { object } else { [:] } }
        var elements: [Value] { if case .list(let list) = self { list } else { [] } }
        var text: String? { if case .text(let text) = self { text } else { nil } }

        /// Everything in it that refers to something else.
        var references: [String] {
            switch self {
            case .object(let object): (object["$ref"]?.text).map { [$0] } ?? object.values.flatMap(\.references)
            case .list(let list): list.flatMap(\.references)
            case .text, .other: []
            }
        }
    }

    private func document() throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(APIDescription().json.utf8))
    }

    private func resolve(_ value: Value, in document: Value) throws -> Value {
        guard let reference = value["$ref"]?.text else { return value }
        return try #require(find(reference, in: document), "\(reference)")
    }

    private func find(_ reference: String, in document: Value) -> Value? {
        reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
    }

    /// The operations there are, by path and method as the route table has them.
    private func operations(_ document: Value) -> [String: Value] {
        var operations: [String: Value] = [:]
        for (path, methods) in document["paths"]?.members ?? [:] {
            let parts = path.split(separator: "/").map {
                $0.hasPrefix("{") ? ":" + $0.dropFirst().dropLast() : String($0)
            }
            for (method, operation) in methods.members {
                operations["\(method.uppercased()) \(parts.joined(separator: "/"))"] = operation
            }
        }
        return operations
    }

    /// Every route that a tracker can have, whatever it is for, but for announces.
    private func routes() async throws -> [String: RouteTable.Route] {
        let (found, continuation) = AsyncStream<[RouteTable.Route]>.makeStream()
        try await withFleet { fleet in
            continuation.yield(fleet.routes.filter { !$0.isOfConsole })
            continuation.finish()
        }
        let routes = await found.first { _ in true }?.filter { $0.policy.door != .tracker } ?? []
        return Dictionary(routes.map { ("\($0.method.rawValue) \($0.path)", $0) }) { first, _ in first }
    }

    @Test func `each route is described, and what is described is a route`() async throws {
        let document = try document()
        let (described, routes) = (Set(operations(document).keys), Set(try await routes().keys))
        #expect(described.subtracting(routes) == [])
        #expect(routes.subtracting(described) == [])
        #expect(routes.count >= 20)
    }

    @Test func `each route says who may use it, and that others are turned away`() async throws {
        let document = try document()
        let routes = try await routes()
        for (name, operation) in operations(document) {
            let route = try #require(routes[name], "\(name)")
            let wanted: Set<String> =
                switch route.policy.door {
                case .open, .tracker: []
                case .hosts: ["hostCertificate"]
                case .operators(let permission): ["token \(permission.rawValue)"]
                case .hostsAndOperators(let permission): ["token \(permission.rawValue)", "hostCertificate"]
                }
            let said = (operation["security"]?.elements ?? []).flatMap { scheme in
                scheme.members.map { ([$0.key] + $0.value.elements.compactMap(\.text)).joined(separator: " ") }
            }
            #expect(Set(said) == wanted, "\(name)")
            let statuses = Set((operation["responses"]?.members ?? [:]).keys)
            #expect(statuses.isSuperset(of: ["500", "503"]), "\(name)")
            if route.policy.door != .open { #expect(statuses.isSuperset(of: ["401", "403", "429"]), "\(name)") }
            // What cannot be written down is not done.
            if route.action != nil { #expect(statuses.contains("507"), "\(name)") }
            if operation["requestBody"] != nil { #expect(statuses.isSuperset(of: ["413", "422"]), "\(name)") }
        }
    }

    @Test func `parameters of paths are described, references lead somewhere, and refusals are problems`() throws {
        let document = try document()
        for reference in document.references { #expect(find(reference, in: document) != nil, "\(reference)") }
        var names: Set<String> = []
        for (name, operation) in operations(document) {
            let inPath = Set(name.split(separator: "/").filter { $0.hasPrefix(":") }.map { String($0.dropFirst()) })
            let said = try (operation["parameters"]?.elements ?? []).map { try resolve($0, in: document) }
                .filter { $0["in"]?.text == "path" }.compactMap { $0["name"]?.text }
            #expect(Set(said) == inPath && said.count == inPath.count, "\(name)")
            let id = try #require(operation["operationId"]?.text)
            #expect(names.insert(id).inserted, "\(name)")
            for (status, answer) in operation["responses"]?.members ?? [:] where status >= "4" {
                let content = try resolve(answer, in: document)["content"]?.members ?? [:]
                #expect(Set(content.keys) == ["application/problem+json"], "\(name) \(status)")
            }
        }
    }

    @Test func `the document is handed out to viewers, and to anybody at an open tracker`() async throws {
        try await withFleet { fleet in
            let viewer = try await fleet.token([.viewer])
            let answer = try await fleet.ask(.get, "api/v1/openapi.json", by: viewer)
            #expect(answer.status == .ok && String(buffer: answer.body) == APIDescription().json)
            #expect(try await fleet.ask(.get, "api/v1/openapi.json", by: nil).status == .unauthorized)
        }
        try await withFleet(access: .open) { fleet in
            let answer = try await fleet.ask(.get, "api/v1/openapi.json", by: nil)
            #expect(answer.status == .ok)
            let document = try JSONDecoder().decode(Value.self, from: Data(Array(buffer: answer.body)))
            // There alone some routes want nothing.
            for (name, operation) in operations(document) {
                let isOpen = operation["security"]?.elements.contains { $0.members.isEmpty } == true
                let route = try #require(fleet.routes.first { "\($0.method.rawValue) \($0.path)" == name })
                #expect(isOpen == route.policy.isOpenOnOpenTracker, "\(name)")
            }
        }
    }

    @Test func `rooms that a tracker does not have are not described`() async throws {
        try await withTemporaryFolder { folder in
            try await withRoutes(database: folder + "/tracker.sqlite") { client in
                let answer = try await client.executeRequest(
                    uri: "/api/v1/openapi.json", method: .get, headers: [:], body: nil)
                let paths = try JSONDecoder().decode(Value.self, from: Data(Array(buffer: answer.body)))["paths"]
                let names = try #require(paths?.members.keys)
                #expect(names.contains("/api/v1/masters") && names.contains("/api/v1/tokens"))
                #expect(!names.contains { $0.contains("rollouts") || $0.contains("fleet") || $0.contains("events") })
            }
        }
    }
}
