// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import FoundationEssentials
import OperatorAccess
import SqliteStorage
import Subprocess
import SystemPackage
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

/// `drover rollout` as people and scripts call it, against a tracker on real sockets. The hosts are played.
@Suite struct RolloutCommandTests {
    private static let quick = "--canary-soak 1s --wave-soak 1s"

    @Test func `a rollout is planned, started, promoted, finished and taken back`() async throws {
        try await withOperatorSite { site in
            let ada = try await site.token([.operator])
            func drover(_ words: String, exits status: Int32 = 0) async throws -> OperatorSite.Finished {
                let finished = try await site.drover("rollout \(words)", token: ada)
                #expect(finished.status == status, "\(words): \(finished)")
                return finished
            }
            let plan = try await drover("plan debian@7 --on all --canaries h2")
            #expect(plan.output.contains("4 in ") && plan.output.contains("canaries  h2"), "\(plan)")
            let document = try await drover("plan debian@7 --on rack=r1 --format json")
                .document(RolloutPlanDocument.self)
            #expect(document.rollout == nil && Set(document.waves.joined().map(\.name)) == ["h1", "h3"])
            _ = try await drover("plan debian@7 --on rack=r9", exits: 5)

            let words = "start debian@7 --on all --canaries h2 \(Self.quick) --request-key night"
            let started = try await drover(words)
            #expect(started.output == "1\n", "\(started)")
            // A script that lost the answer asks again.
            #expect(try await drover(words).output == "1\n")
            let gate = try await drover("status 1 --wait --timeout 60s", exits: 5)
            #expect(gate.errors.contains("drover rollout promote 1"), "\(gate)")
            #expect(gate.output.contains("canary-gate") && site.hosts.active("h2") == 7, "\(gate)")
            #expect((1...4).count { site.hosts.active("h\($0)") == 7 } == 1)
            let why = try await drover("why 1 h1")
            #expect(why.output.contains("paused by the tracker (canary-gate)"), "\(why)")
            _ = try await drover("promote 1 --reason well")
            let end = try await drover("status 1 --wait --timeout 60s")
            #expect(end.output.contains("4 healthy") && end.output.contains("phase    succeeded"), "\(end)")
            let list = try await drover("list --format json").document(RolloutListDocument.self)
            #expect(list.rollouts.map(\.phase) == [.succeeded])
            #expect(try await drover("resume 1", exits: 5).errors.contains("refused"))

            #expect(try await drover("rollback 1").output.hasPrefix("rollout 1 of debian@7 is rolling-back"))
            let back = try await drover("status 1 --wait --timeout 60s --format json", exits: 1)
            #expect(try back.document(RolloutStatusDocument.self).hosts == ["rolled-back": 4])
            #expect((1...4).allSatisfy { site.hosts.active("h\($0)") == nil })
        }
    }

    @Test func `a canary that does not boot stops the rollout, and its log is shown`() async throws {
        try await withOperatorSite { site in
            let ada = try await site.token([.operator])
            site.hosts.fail(["h3"])
            let started = try await site.drover(
                "rollout start debian@7 --on all --canaries h3 --retries 0 \(Self.quick)", token: ada)
            #expect(started.status == 0, "\(started)")
            let stopped = try await site.drover("rollout status 1 --wait --timeout 60s", token: ada)
            #expect(stopped.status == 6 && stopped.errors.contains("error-threshold"), "\(stopped)")
            let log = try await site.drover("rollout why 1 h3 --log", token: ada)
            #expect(log.status == 0 && log.output == PlayedHosts.log + "\n", "\(log)")
            #expect(try await site.drover("rollout why 1 h1 --log", token: ada).status == 3)
            // Somebody has looked at it, and goes on without a canary.
            for words in ["resume 1", "promote 1"] { _ = try await site.drover("rollout \(words)", token: ada) }
            let end = try await site.drover("rollout status 1 --wait --timeout 60s", token: ada)
            #expect(end.status == 6 && end.output.contains("succeeded-with-exceptions"), "\(end)")
        }
    }

    @Test func `who may not, asks for what is not, or waits too long is told so by the exit code`() async throws {
        try await withOperatorSite { site in
            let ada = try await site.token([.operator])
            let viewer = try await site.token([.viewer], "victor")
            func refuses(_ words: String, _ status: Int32, _ part: String, by token: String?) async throws {
                let finished = try await site.drover("rollout \(words)", token: token)
                #expect(finished.status == status && finished.output.isEmpty, "\(words): \(finished)")
                #expect(finished.errors.hasPrefix("drover: ") && finished.errors.contains(part), "\(finished)")
                #expect(finished.errors.split(separator: "\n").count == 1, "\(finished)")
            }
            try await refuses("list", 4, "--token-file", by: nil)
            try await refuses("list", 3, "check the path", by: "\(site.folder)/nothing")
            let stale = "\(site.folder)/stale"
            try Data("drv_\(String(repeating: "0", count: 64))".utf8).write(to: URL(filePath: stale))
            try await refuses("list", 4, "token", by: stale)
            try await refuses("start debian@7 --on all", 4, "may not", by: viewer)
            try await refuses("plan debian@7 --on all", 4, "may not", by: viewer)
            try await refuses("status 9", 3, "drover rollout list", by: viewer)
            try await refuses("why 9 h1", 3, "no rollout 9", by: viewer)
            try await refuses("plan debian@70 --on all", 3, "not published", by: ada)
            try await refuses("plan debian --on all", 2, "NAME@VERSION", by: ada)
            try await refuses("plan debian@7", 2, "--on", by: ada)
            try await refuses("plan debian@7 --on rack", 2, "rack", by: ada)
            try await refuses("plan debian@7 --on all --probe some", 2, "every-host", by: ada)
            try await refuses("plan debian@7 --on all --waves 5%", 2, "100%", by: ada)
            try await refuses("list --tracker http://127.0.0.1:1", 10, "cannot be reached", by: ada)
            try await refuses("list --tracker udp://127.0.0.1:1", 2, "http", by: ada)
            #expect(try await site.drover("rollout status 1 --timeout 3s", token: ada).status == 2)

            let kept = try await site.drover("rollout plan debian@7 --on all --keep --format json", token: ada)
            #expect(try kept.document(RolloutPlanDocument.self).rollout == 1)
            #expect(try await site.drover("rollout status 1 --wait", token: ada).status == 5)
            let late = try await site.drover(
                "rollout status 1 --wait --through-pauses --timeout 1s --quiet", token: ada)
            #expect(late.status == 7 && late.errors.contains("still planned"), "\(late)")
            #expect(try await site.drover("rollout start 1", token: ada).output == "1\n")
            #expect(try await site.drover("rollout abort 1 --reason enough", token: ada).output.contains("is aborted"))
            #expect(try await site.drover("rollout status 1 --wait", token: ada).status == 1)
        }
    }
}
