// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import OperatorAccess
import SqliteStorage
import Testing
import TrackerStorage

/// `drover fleet` as people and scripts call it, against a tracker on real sockets. The hosts are played.
@Suite struct FleetCommandTests {
    @Test func `hosts are listed, shown, kept out of rollouts and let in again`() async throws {
        try await withOperatorSite { site in
            let ada = try await site.token([.operator])
            func drover(_ words: String, exits status: Int32 = 0) async throws -> OperatorSite.Finished {
                let finished = try await site.drover(words, token: ada)
                #expect(finished.status == status, "\(words): \(finished)")
                return finished
            }
            func names(_ words: String) async throws -> [String] {
                try await drover("fleet list --format json \(words)").document(HostListDocument.self).hosts.map(\.name)
            }
            let list = try await drover("fleet list").output.split(separator: "\n")
            #expect(list.count == 5 && list[1].hasPrefix("h1 ") && list[1].contains("rack=r1"), "\(list)")
            #expect(try await names("--on rack=r1") == ["h1", "h3"])
            #expect(try await names("--state silent") == [])

            _ = try await drover("fleet drain h2 h3")
            _ = try await drover("fleet pin h1 debian")
            // The same again changes nothing.
            _ = try await drover("fleet drain h2")
            #expect(try await names("--state drained") == ["h2", "h3"])
            #expect(try await names("--state pinned") == ["h1"])
            let shown = try await drover("fleet show h2").output
            #expect(shown.contains("online, drained") && shown.contains("100 GiB of 200 GiB"), "\(shown)")
            let plan = try await drover("rollout plan debian@7 --on all --format json")
                .document(RolloutPlanDocument.self)
            #expect(plan.waves.joined().map(\.name) == ["h4"])
            #expect(
                plan.aside.map { "\($0.name) \($0.code.map { "\($0)" } ?? "")" }
                    == ["h1 pinned", "h2 drained", "h3 drained"])

            _ = try await drover("fleet undrain h2 h3")
            _ = try await drover("fleet unpin h1 debian")
            let free = try await drover("rollout plan debian@7 --on all --format json").document(
                RolloutPlanDocument.self)
            #expect(free.waves.joined().count == 4)
            let changes = try await site.storage.auditLines(after: 0, limit: 100).elements
            for word in ["host.drain", "host.undrain", "host.pin", "host.unpin"] {
                #expect(changes.contains { $0.contains("\"\(word)\"") }, "\(word) in \(changes)")
            }
        }
    }

    @Test func `who may not, or asks for what is not, is told so by the exit code`() async throws {
        try await withOperatorSite { site in
            let ada = try await site.token([.operator])
            let viewer = try await site.token([.viewer], "victor")
            let scoped = try await site.token([.operator], "sue", scopes: [try #require(LineScope("debian"))])
            func refuses(_ words: String, _ status: Int32, _ part: String, by token: String?) async throws {
                let finished = try await site.drover("fleet \(words)", token: token)
                #expect(finished.status == status && finished.output.isEmpty, "\(words): \(finished)")
                #expect(finished.errors.hasPrefix("drover: ") && finished.errors.contains(part), "\(finished)")
                #expect(finished.errors.split(separator: "\n").count == 1, "\(finished)")
            }
            try await refuses("list", 4, "--token-file", by: nil)
            try await refuses("drain h1", 4, "may not", by: viewer)
            try await refuses("drain h1", 4, "pin it instead", by: scoped)
            try await refuses("pin h1 ubuntu", 4, "may not", by: scoped)
            try await refuses("drain h9", 3, "drover fleet list", by: ada)
            try await refuses("show h9", 3, "drover fleet list", by: viewer)
            try await refuses("pin h1 no/line", 2, "line of masters", by: ada)
            try await refuses("list --on rack", 2, "rack", by: ada)
            try await refuses("list --state lost", 2, "silent", by: ada)
            #expect(try await site.drover("fleet pin h1 debian", token: scoped).status == 0)
        }
    }
}
