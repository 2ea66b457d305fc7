// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import FleetProtocol
import FoundationEssentials
import NIOCore
import NIOHTTP1
import TrackerProtocol

/// What an operator asks of a fleet's tracker about rollouts and hosts.
package struct OperatorClient: Sendable {
    private let tracker: TrackerURL
    private let client: TrackerClient

    /// A plan for twenty thousand hosts fits.
    private static let answerLimit = 16 << 20

    /// - Parameters:
    ///   - tracker: its URL as people write it.
    ///   - credentials: with an operator's token; without one the tracker shows nothing.
    /// - Throws: ``HostFailure`` with `.usage`.
    package init(tracker: String, credentials: TrackerCredentials) throws(HostFailure) {
        self.tracker = try TrackerClient.url(tracker)
        client = TrackerClient(credentials: credentials)
        guard case .http = self.tracker.transport else {
            throw HostFailure(.usage, "\(tracker) knows no fleet; name a drover-tracker's http URL")
        }
    }

    /// What a rollout would do. Nothing is kept of it.
    package func plan(_ request: RolloutRequest) async throws -> RolloutPlanDocument {
        try await post("rollouts/plan", request, key: nil)
    }

    /// Plans a rollout and keeps it, to be started.
    /// - Parameter key: names the request, so that the same one again makes no second rollout.
    package func create(_ request: RolloutRequest, key: String) async throws -> RolloutPlanDocument {
        try await post("rollouts", request, key: key)
    }

    /// Has a rollout do something, and tells how it is afterwards.
    /// - Parameter key: names the request, so that the same one again changes nothing.
    package func command(
        _ request: RolloutCommandRequest, to rollout: UInt64, key: String
    ) async throws -> RolloutStatusDocument {
        try await post("rollouts/\(rollout)/commands", request, key: key)
    }

    package func status(_ rollout: UInt64) async throws -> RolloutStatusDocument {
        try await get("rollouts/\(rollout)")
    }

    /// Why a host is where it is in a rollout.
    package func why(_ rollout: UInt64, _ host: String) async throws -> RolloutWhyDocument {
        try await get("rollouts/\(rollout)/hosts/\(host.percentEncoded)")
    }

    /// The log of what failed on a host, such as its probe's serial console.
    package func log(_ rollout: UInt64, _ host: String) async throws -> String {
        String(decoding: try await ask(.GET, "rollouts/\(rollout)/hosts/\(host.percentEncoded)/log"), as: UTF8.self)
    }

    /// Rollouts, the newest first, a page at a time.
    /// - Parameter place: ``RolloutListDocument/next`` of the page before; `nil` for the first.
    package func list(before place: String?, limit: Int) async throws -> RolloutListDocument {
        try await get("rollouts?limit=\(limit)" + (place.map { "&before=\($0.percentEncoded)" } ?? ""))
    }

    /// The hosts of the fleet by name, a page at a time.
    /// - Parameters:
    ///   - selector: which, by their labels.
    ///   - state: `all`, `online`, `silent`, `drained` or `pinned`.
    ///   - place: ``HostListDocument/next`` of the page before; `nil` for the first.
    package func hosts(of selector: String, state: String, after place: String?) async throws -> HostListDocument {
        try await get(
            "hosts?limit=\(FleetLimits.hostPage)&selector=\(selector.percentEncoded)&state=\(state.percentEncoded)"
                + (place.map { "&after=\($0.percentEncoded)" } ?? ""))
    }

    package func host(_ name: String) async throws -> HostDocument { try await get("hosts/\(name.percentEncoded)") }

    /// Keeps a host out of all rollouts, or lets it take part again. The same again changes nothing.
    package func drain(_ host: String, _ isDrained: Bool) async throws -> HostDocument {
        try read(try await ask(isDrained ? .PUT : .DELETE, "hosts/\(host.percentEncoded)/drained"))
    }

    /// Keeps a host at the version that it has of a line, or lets it follow rollouts again. The same again changes nothing.
    package func pin(_ host: String, to line: String, _ isPinned: Bool) async throws -> HostDocument {
        try read(
            try await ask(
                isPinned ? .PUT : .DELETE, "hosts/\(host.percentEncoded)/pinned/\(line.percentEncoded)"))
    }

    private func get<Answer: Decodable>(_ path: String) async throws -> Answer {
        try read(try await ask(.GET, path))
    }

    private func post<Answer: Decodable>(
        _ path: String, _ document: some Encodable & Sendable, key: String?
    ) async throws -> Answer {
        let body = Array(try JSONEncoder().encode(document))
        do {
            return try read(try await ask(.POST, path, body, key))
        } catch let failure as HostFailure where failure.code == .trackerUnreachable && key != nil {
            // The answer may be what was lost: with its key the request can do no harm a second time.
            return try read(try await ask(.POST, path, body, key))
        }
    }

    private func read<Answer: Decodable>(_ json: [UInt8]) throws(HostFailure) -> Answer {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)) else {
            throw HostFailure(.trackerUnreachable, "the tracker \(tracker.base) answered with nonsense")
        }
        return answer
    }

    private func ask(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil, _ key: String? = nil
    ) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: "\(tracker.base)/api/v1/\(path)")
        request.method = method
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await client.send(request, timeout: TrackerClient.catalogueTimeout, tracker)
        guard let answer = try? await response.body.collect(upTo: Self.answerLimit) else {
            throw HostFailure(.trackerUnreachable, "the answer of the tracker \(tracker.base) broke off or is too long")
        }
        let bytes = Array(answer.readableBytesView)
        guard (200..<300).contains(response.status.code) else { throw refusal(response.status.code, bytes) }
        return bytes
    }

    private func refusal(_ status: UInt, _ bytes: [UInt8]) -> HostFailure {
        guard let problem = try? JSONDecoder().decode(FleetProblem.self, from: Data(bytes)) else {
            return HostFailure(.trackerUnreachable, "the tracker \(tracker.base) answered with status \(status)")
        }
        return HostFailure(
            HostFailure.Code(status: status, problem), "the tracker refused: \(problem.detail) (\(problem.code))")
    }
}
