// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import FoundationEssentials
import Metainfo
import OperatorAccess
import SqliteStorage
import Subprocess
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

/// Server-sent events as they come over a real socket, read by curl. The hosts are played.
@Suite struct EventRouteTests {
    private struct Site: Sendable {
        let fleet: FleetService.Fleet
        let url: String
        let words: [String]

        /// Watches with curl, and reads line by line until `isEnough`; then curl is ended.
        func watch(
            _ words: [String] = [], _ query: String = "", until isEnough: (String) async throws -> Bool
        ) async throws {
            _ = try await Subprocess.run(
                .name("curl"),
                arguments: Arguments(["-sN", "--max-time", "120"] + self.words + words + ["\(url)\(query)"]),
                input: .none, output: .sequence, error: .discarded
            ) { execution in
                var hasEnded = true
                for try await line in execution.standardOutput.strings() where try await isEnough(line) {
                    hasEnded = false
                    break
                }
                #expect(!hasEnded, "the stream ended")
                try execution.send(signal: .terminate)
            }
        }

        func ask() async throws -> String {
            let result = try await Subprocess.run(
                .name("curl"),
                arguments: Arguments(["-s", "--max-time", "30", "-w", "\n%{http_code}"] + words + [url]),
                output: .string(limit: 1 << 20), error: .discarded)
            return result.standardOutput
        }
    }

    private func withSite(_ body: @escaping @Sendable (Site) async throws -> Void) async throws {
        try await withPlayedFleet { played in
            let now = Int64(Date.now.timeIntervalSince1970)
            let secret = try #require(TokenSecret(bytes: TokenSecret.freshBytes()))
            let token = OperatorToken(
                digest: secret.digest, name: "ada", roles: [.viewer], scopes: [], isOneTime: false, creator: "local",
                created: now, expires: now + 1000)
            #expect(try await played.storage.addToken(token, usingUp: nil))
            try await body(
                Site(
                    fleet: played.fleet, url: played.url + "/api/v1/events",
                    words: ["-H", "Authorization: Bearer \(secret.text)"]))
        }
    }

    private func status(_ line: String) throws -> RolloutStatusDocument? {
        guard line.hasPrefix("data: "), line.contains("\"rollout\":") else { return nil }
        return try JSONDecoder().decode(RolloutStatusDocument.self, from: Data(line.dropFirst(6).utf8))
    }

    @Test func `whoever watches sees a rollout begin, go on and end, while it does`() async throws {
        try await withSite { site in
            var phases: [RolloutStatusDocument.Phase] = []
            var sequence: UInt64 = 0
            var hosts: [String: Int] = [:]
            try await site.watch { line in
                if line.hasPrefix("data: ") && line.contains("\"known\":4") && phases.isEmpty {
                    // There is nothing yet that could be told.
                    var request = RolloutRequest(
                        master: try #require(MasterName(name: "debian", version: 7)), selector: "all")
                    (request.canarySoakSeconds, request.waveSoakSeconds) = (1, 1)
                    request.isPromotedAutomatically = true
                    _ = try await site.fleet.create(request, by: "ada")
                }
                guard let status = try status(line) else { return false }
                #expect(status.sequence > sequence, "only what is new is told")
                sequence = status.sequence
                hosts = status.hosts
                if phases.last != status.phase { phases.append(status.phase) }
                if phases == [.planned] {
                    _ = try await site.fleet.command(RolloutCommandRequest(.start), to: 1, by: "ada")
                }
                return status.phase.isOver
            }
            #expect(phases.first == .planned && phases.last == .succeeded && phases.count >= 3, "\(phases)")
            #expect(hosts == ["healthy": 4])
        }
    }

    @Test func `64 watch at once, the next one is told so, and places are given back`() async throws {
        try await withSite { site in
            let count = RequestLimits().eventStreams
            #expect(count == 64)
            var begun = 0
            let parallel = ["--parallel", "--parallel-immediate", "--parallel-max", "100"]
            try await site.watch(parallel, "?[1-\(count)]") { line in
                if line.hasPrefix("retry: ") { begun += 1 }
                guard begun == count else { return false }
                let answer = try await site.ask()
                #expect(
                    answer.hasSuffix("503") && answer.contains("\"busy\"") && answer.contains("64 watch"), "\(answer)")
                return true
            }
            // They are gone, and are missed at the latest with the next sign of life that is sent to them.
            try await site.watch(["-f", "--retry", "60", "--retry-delay", "1"]) { $0.hasPrefix("retry: ") }
        }
    }
}
