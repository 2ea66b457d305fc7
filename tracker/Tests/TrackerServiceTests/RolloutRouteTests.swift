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

/// Rollouts over HTTP. Orders and reports need a host's certificate; here it is seen that nothing else will do.
@Suite struct RolloutRouteTests {
    private func read<Value: Decodable>(_ response: TestResponse, _ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(Array(buffer: response.body)))
    }

    private static let request = #"{"version":{"written":1,"least":1},"master":"debian@7","selector":"all"}"#

    private func command(_ name: String, _ rest: String = "") -> String {
        #"{"version":{"written":1,"least":1},"command":"\#(name)"\#(rest)}"#
    }

    /// A tracker with three hosts that have said what they have, and a master.
    private func withHosts(
        requests: RequestLimits = RequestLimits(), _ body: @escaping @Sendable (Fleet) async throws -> Void
    ) async throws {
        try await withFleet(hosts: 1...3, requests: requests) { fleet in
            _ = try await fleet.storage.publish(
                PublishedMaster(
                    name: "debian", version: 7, label: nil, size: 1 << 30, infoHashV1: nil,
                    infoHashV2: String(repeating: "70", count: 32), published: "2026-01-31T12:00:00Z"), torrent: [7])
            try await body(fleet)
        }
    }

    @Test func `an operator plans, starts, looks, asks why, pauses and aborts`() async throws {
        try await withHosts { fleet in
            let ada = try await fleet.token([.operator])
            let plan: RolloutPlanDocument = try read(
                try await fleet.ask(.post, "api/v1/rollouts/plan", by: ada, Self.request))
            #expect(plan.rollout == nil && plan.waves.joined().count == 3)
            let made = try await fleet.ask(.post, "api/v1/rollouts", by: ada, Self.request)
            #expect(made.status == .created)
            let number = try #require(try read(made, RolloutPlanDocument.self).rollout)
            let path = "api/v1/rollouts/\(number)"
            let started: RolloutStatusDocument = try read(
                try await fleet.ask(.post, "\(path)/commands", by: ada, command("start")))
            #expect(started.phase == .staging && started.hosts == ["staging": 3])
            let why: RolloutWhyDocument = try read(try await fleet.ask(.get, "\(path)/hosts/h1", by: ada))
            #expect(why.state == "staging")
            _ = try await fleet.ask(.post, "\(path)/commands", by: ada, command("pause"))
            let paused: RolloutStatusDocument = try read(try await fleet.ask(.get, path, by: ada))
            #expect(paused.pause?.code == .operator)
            let aborted: RolloutStatusDocument = try read(
                try await fleet.ask(.post, "\(path)/commands", by: ada, command("abort")))
            #expect(aborted.phase == .aborted)
            let again = try await fleet.ask(.post, "\(path)/commands", by: ada, command("resume"))
            #expect(again.status == .conflict && String(buffer: again.body).contains("\"ended\""))
            let list: RolloutListDocument = try read(try await fleet.ask(.get, "api/v1/rollouts", by: ada))
            #expect(list.rollouts.map(\.rollout) == [number])
        }
    }

    @Test func `a collector reads how rollouts and hosts are`() async throws {
        try await withHosts { fleet in
            let ada = try await fleet.token([.operator])
            let made: RolloutPlanDocument = try read(
                try await fleet.ask(.post, "api/v1/rollouts", by: ada, Self.request))
            let path = "api/v1/rollouts/\(try #require(made.rollout))/commands"
            for name in ["start", "pause"] { _ = try await fleet.ask(.post, path, by: ada, command(name)) }
            let viewer = try await fleet.token([.viewer])
            let answer = try await fleet.ask(.get, "metrics", by: viewer)
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = String(buffer: answer.body).split(separator: "\n").map(String.init)
            for line in [
                #"drover_rollout_hosts{line="debian",state="staging"} 3"#,
                #"drover_rollout_hosts{line="debian",state="healthy"} 0"#,
                #"drover_rollout_state{line="debian",state="staging"} 1"#,
                #"drover_rollout_state{line="debian",state="rolling"} 0"#,
                #"drover_rollout_paused{line="debian",reason="operator"} 1"#,
                #"drover_fleet_hosts{state="online"} 3"#, #"drover_tracker_swarms 0"#,
                #"drover_tracker_shed_requests_total{protocol="udp"} 0"#,
            ] { #expect(lines.contains(line), "\(line) is not in \(lines)") }
            #expect(lines.contains { $0.hasPrefix(#"drover_rollout_stretch_ratio{line="debian"} "#) })
        }
    }

    @Test func `whoever watches is told of rollouts and hosts, and of what is new only`() async throws {
        var limits = RequestLimits()
        limits.eventStreamSeconds = 0
        limits.eventStreams = 1
        try await withHosts(requests: limits) { fleet in
            let ada = try await fleet.token([.operator])
            _ = try await fleet.ask(.post, "api/v1/rollouts", by: ada, Self.request)
            let watcher = try await fleet.token([.viewer])
            for _ in 0..<2 {
                let answer = try await fleet.ask(.get, "api/v1/events", by: watcher)
                #expect(answer.status == .ok && answer.headers[.contentType] == "text/event-stream")
                let events = String(buffer: answer.body)
                #expect(events.contains("event: rollout\ndata: {") && events.contains(#""phase":"planned""#))
                #expect(events.contains("event: hosts\ndata: {\"known\":3,\"silent\":0"))
                #expect(events.hasSuffix("\n\n"))
            }
        }
        limits.eventStreams = 0
        try await withHosts(requests: limits) { fleet in
            let watcher = try await fleet.token([.viewer])
            let answer = try await fleet.ask(.get, "api/v1/events", by: watcher)
            #expect(answer.status == .serviceUnavailable)
        }
    }

    @Test func `nobody gets further than their token says`() async throws {
        try await withHosts { fleet in
            let viewer = try await fleet.token([.viewer])
            let scoped = try await fleet.token([.operator], scopes: ["web-*"])
            for path in ["api/v1/rollouts", "api/v1/rollouts/plan"] {
                #expect(try await fleet.ask(.post, path, by: viewer, Self.request).status == .forbidden)
                #expect(try await fleet.ask(.post, path, by: scoped, Self.request).status == .forbidden)
            }
            #expect(try await fleet.ask(.get, "api/v1/rollouts", by: viewer).status == .ok)
            let admin = try await fleet.token([.admin, .operator])
            for (method, path) in [(HTTPRequest.Method.get, "orders"), (.post, "report")] {
                #expect(try await fleet.ask(method, "api/v1/fleet/\(path)", by: nil).status == .unauthorized)
                #expect(try await fleet.ask(method, "api/v1/fleet/\(path)", by: admin).status == .forbidden)
            }
        }
    }

    @Test func `a command that comes twice is carried out once, and its key is for nothing else`() async throws {
        try await withHosts { fleet in
            let ada = try await fleet.token([.operator])
            let bob = try await fleet.token([.operator])
            let key = try #require(HTTPField.Name("Idempotency-Key"))
            func ask(
                _ body: String, _ path: String = "/1/commands", by token: String
            ) async throws -> (Int, RolloutStatusDocument?) {
                let answer = try await fleet.client.executeRequest(
                    uri: "/api/v1/rollouts\(path)", method: .post,
                    headers: [.authorization: "Bearer \(token)", key: "night"], body: ByteBuffer(string: body))
                return (answer.status.code, try? read(answer))
            }
            // The command line starts a rollout with one key for both requests.
            for _ in 0..<2 { #expect(try await ask(Self.request, "", by: ada).0 == 201) }
            #expect(try await ask(command("start"), by: ada).1?.phase == .staging)
            _ = try await fleet.ask(.post, "api/v1/rollouts/1/commands", by: ada, command("pause"))
            let again = try await ask(command("start"), by: ada)
            #expect(again.0 == 200 && again.1?.pause != nil)
            // Nothing is said to be done that was not.
            #expect(try await ask(command("resume"), by: ada).0 == 409)
            #expect(try await ask(command("start"), "/2/commands", by: ada).0 == 404)
            let other = try await ask(command("resume"), by: bob)
            #expect(other.0 == 200 && other.1?.pause == nil)
            let list: RolloutListDocument = try read(try await fleet.ask(.get, "api/v1/rollouts", by: ada))
            #expect(list.rollouts.count == 1)
        }
    }

    @Test func `what cannot be is refused with a code`() async throws {
        try await withHosts { fleet in
            let ada = try await fleet.token([.operator])
            func status(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Int {
                try await fleet.ask(method, "api/v1/rollouts\(path)", by: ada, body).status.code
            }
            #expect(try await status(.get, "/9") == 404)
            #expect(try await status(.get, "/x") == 400)
            let place = try await fleet.ask(.get, "api/v1/rollouts/plan", by: ada)
            #expect(place.status == .methodNotAllowed && place.headers[.allow] == "POST")
            #expect(try await status(.get, "?before=x") == 400)
            #expect(try await status(.post, "", "{}") == 422)
            #expect(try await status(.post, "/plan", Self.request.replacing("debian@7", with: "debian@8")) == 404)
            #expect(try await status(.post, "/plan", Self.request.replacing("\"all\"", with: "\"rack\"")) == 422)
            #expect(try await status(.post, "", Self.request.replacing("\"all\"", with: "\"rack=r9\"")) == 422)
            #expect(try await status(.post, "/9/commands", command("start")) == 404)
            #expect(try await status(.post, "/9/commands", command("dance")) == 422)
        }
    }
}
