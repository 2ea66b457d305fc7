// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// What a host's administrator is told of the host, and of clones that need care.
    @Suite struct Doctor {
        private struct Report: Decodable {
            struct Check: Decodable {
                let id, severity, finding: String
                let fix: String?
            }

            let schema: String
            let checks: [Check]
            let autoOrder: [String]
        }

        private func report(_ store: String) async throws -> Report {
            let output = try await droverDoes("doctor --format json --store \(store)").output
            return try JSONDecoder().decode(Report.self, from: Data(output.utf8))
        }

        @Test func `the probe names every backend, with a fix for each that does not work, and changes nothing`()
            async throws
        {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let before = try await report(store)
                #expect(before.schema == "drover/doctor/v1")
                #expect(before.checks.first { $0.id == "store" }?.severity == "note", "there is no store yet")
                #expect(!FileManager.default.fileExists(atPath: store))
                #expect(try listing(fleet.path("")).allSatisfy { !$0.contains("doctor") })

                let image = try makeImage(fleet.path("base.img"), mebibytes: 2)
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                let after = try await report(store)
                let backends = after.checks.filter { $0.id.hasPrefix("backend.") }
                #expect(backends.count == 8)
                for backend in backends {
                    #expect(
                        backend.severity == "ok" || (backend.severity == "note" && backend.fix != nil), "\(backend)")
                }
                #expect(backends.first { $0.id == "backend.qcow2" }?.severity == "ok")
                #expect(!after.autoOrder.contains("vhd"))

                let peer = try await fleet.peer("store")
                let asked = try await report(store)
                #expect(asked.checks.map(\.id) == after.checks.map(\.id), "a running peer answers in the same way")
                let text = try await droverDoes("doctor --store \(store)").lines
                #expect(text.contains { $0.hasPrefix("ok      backend.qcow2: ") })
                #expect(text.last?.hasPrefix("auto tries ") == true)
                peer.process.kill()
            }
        }

        @Test func `clones of files need no mapping, and repair finds nothing of a store in order`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let image = try makeImage(fleet.path("base.img"), mebibytes: 2)
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                try await droverDoes(
                    "clone create base web --count 2 --cluster-size 128K --extended-l2 --store \(store)")
                #expect(try await droverDoes("clone map --all --store \(store)").output.isEmpty)
                #expect(try await droverDoes("clone map web-1 --store \(store)").output.isEmpty)
                #expect(try await droverDoes("clone repair --store \(store)").output.isEmpty)
                try await droverRefuses("clone map --store \(store)", with: 2, saying: "--all")
                try await droverRefuses("clone map web-1 --all --store \(store)", with: 2, saying: "not both")
                try await droverRefuses("clone map nope --store \(store)", with: 3, saying: "nope")
                for (options, word) in [
                    ("--backend copy --cluster-size 64K", "--cluster-size"), ("--cluster-size 5K", "power of two"),
                    ("--cow-size 1K --backend dm-snapshot", "1M"), ("--volume-group a/b", "volume group"),
                    ("--extended-l2 --volume-group fast", "together"), ("--backend zfs", "zfs"),
                ] {
                    try await droverRefuses("clone create base x \(options) --store \(store)", with: 2, saying: word)
                }
                let names = try await droverDoes("clone list --format json --store \(store)").output
                #expect(!names.contains("\"x\""))
            }
        }
    }
}
