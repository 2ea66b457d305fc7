// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TestSupport
import Testing

extension EndToEnd {
    /// What a host's administrator is told of why a master is not there yet.
    @Suite struct Why {
        private struct Report: Decodable {
            struct Entry: Decodable {
                struct Diagnosis: Decodable {
                    struct Figure: Decodable {
                        let name: String
                        let value: Double
                    }

                    let cause, finding: String
                    let figures: [Figure]
                }

                let master, state: String
                let diagnosis: Diagnosis
                let origins: [String: Int64]
            }

            let schema: String
            let entries: [Entry]
        }

        private func why(_ master: String, in store: String) async throws -> Report.Entry {
            let output = try await droverDoes("why \(master) --format json --store \(store)").output
            let report = try JSONDecoder().decode(Report.self, from: Data(output.utf8))
            #expect(report.schema == "drover/why/v1" && report.entries.count == 1, "\(output)")
            return try #require(report.entries.first)
        }

        /// Asks until the cause is this one: at the beginning of a fetch others come first.
        private func expect(_ cause: String, of master: String, in store: String) async throws -> Report.Entry {
            var last = ""
            do {
                return try await eventually("\(cause) holds \(master) back") {
                    let entry = try await why(master, in: store)
                    last = "\(entry)"
                    return entry.diagnosis.cause == cause ? entry : nil
                }
            } catch {
                throw TestFailure("\(error): \(last)")
            }
        }

        /// A peer whose disk takes its time for each write.
        private func slowPeer(_ name: String, in fleet: Fleet) async throws -> FleetPeer {
            let store = fleet.path(name)
            let child = try fleet.start(
                "strace",
                [
                    "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                    "inject=pwrite64:delay_exit=400000", Program.drover, "peer", "run", "--store", store, "--listen",
                    "127.0.0.1:0", "--tracker", fleet.tracker,
                ])
            let peer = FleetPeer(fleet: fleet, store: store, child: child)
            try await peer.isReady()
            return peer
        }

        @Test func `among eight peers the cause is named: a cap, a slow disk, no source, and a wave to come`()
            async throws
        {
            try await Fleet.run { fleet in
                try await fleet.found(options: ["--tls", "--fleet"])
                let tracker = "--tracker \(fleet.tracker) --tracker-ca \(fleet.path("authority/authority.pem"))"
                let publisher = "\(tracker) --token-file \(try await fleet.operatorToken("publisher"))"
                let access = "\(tracker) --token-file \(try await fleet.operatorToken("operator"))"
                let names = (1...8).map { "rack\($0 == 5 ? 2 : 1)-\($0)" }
                for name in names { try await fleet.enrol(fleet.path(name), as: name) }
                for (master, size) in [("base@1", 96), ("next@1", 4), ("lost@1", 4)] {
                    let parts = master.split(separator: "@")
                    let image = try makeImage(fleet.path("\(master).img"), mebibytes: size, seed: UInt64(size))
                    try await droverDoes(
                        "master create \(image) --name \(parts[0]) --version \(parts[1]) --store \(fleet.path("rack1-1")) "
                            + "--tracker \(fleet.tracker)")
                    try await droverDoes("master publish \(master) \(publisher) --store \(fleet.path("rack1-1"))")
                }
                try await droverDoes("master remove lost@1 --store \(fleet.path("rack1-1"))")
                for name in names where name != "rack1-3" {
                    _ = try await fleet.peer(name, options: "--rack \(name.prefix(5))")
                }
                _ = try await slowPeer("rack1-3", in: fleet)

                // A cap.
                try await droverDoes("limit --down 8M --store \(fleet.path("rack1-2"))")
                try await droverDoes("master fetch base@1 --store \(fleet.path("rack1-2"))")
                let capped = try await expect("cap", of: "base", in: fleet.path("rack1-2"))
                #expect(capped.diagnosis.figures.contains { $0.name == "cap" && $0.value == 1_000_000 }, "\(capped)")
                #expect(capped.origins["rack"].map { $0 > 0 } == true, "\(capped)")

                // A slow disk.
                try await droverDoes("master fetch base@1 --store \(fleet.path("rack1-3"))")
                _ = try await expect("disk", of: "base@1", in: fleet.path("rack1-3"))

                // Nobody has it.
                try await droverDoes("master fetch lost@1 --store \(fleet.path("rack1-4"))")
                _ = try await expect("no-sources", of: "lost", in: fleet.path("rack1-4"))

                // Others get it meanwhile, and then it is here.
                try await droverDoes("master fetch base@1 --wait --store \(fleet.path("rack2-5"))")
                #expect(try await why("base", in: fleet.path("rack2-5")).diagnosis.cause == "nothing")
                let other = try await droverDoes("top --once --store \(fleet.path("rack1-2"))").output
                #expect(other.contains("base@1: ") && other.contains("copies of the rarest piece"), "\(other)")

                // Its wave has not come.
                try await droverDoes(
                    "rollout start next@1 --on all --canaries rack1-6 --probe nobody --canary-soak 1s \(access)")
                let waiting = try await expect("waiting", of: "next", in: fleet.path("rack1-7"))
                #expect(waiting.diagnosis.finding.contains("wave"), "\(waiting)")
                let asked = try await droverDoes("why rack1-7 next \(access)").output
                #expect(asked.contains("rack1-7"), "\(asked)")
                try await droverRefuses("why nothing --store \(fleet.path("rack1-7"))", with: 3, saying: "nothing")
            }
        }

        @Test func `a watched status that nobody looks at is told in lines, one for each change`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 24)
                _ = try await fleet.peer("seed")
                _ = try await fleet.peer("host")
                try await droverDoes("limit --down 40M --store \(fleet.path("host"))")
                let watch = try fleet.start(
                    Program.drover, ["status", "--watch", "--store", fleet.path("host")])
                try await droverDoes("master fetch base@1 --wait --clone web --store \(fleet.path("host"))")
                try await eventually("the end is told") { watch.output.contains("base@1: registered, 1 clones") }
                let lines = watch.output.split(separator: "\n").map(String.init)
                #expect(lines.contains { $0.hasPrefix("base@1: fetching ") }, "\(lines)")
                #expect(Set(lines).count == lines.count && lines.count < 30, "\(lines)")
            }
        }

        @Test func `the shell completes names of masters and clones`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "host", mebibytes: 1)
                let store = fleet.path("host")
                func completed(_ words: String) async throws -> [String] {
                    try await droverDoes("---completion \(words)").lines
                }
                #expect(
                    try await completed("master show -- positional@0 1 0 drover master show --store \(store)") == [
                        "base@1"
                    ])
                _ = try await fleet.peer("host")
                try await droverDoes("clone create base web --count 2 --store \(store)")
                #expect(
                    try await completed("clone show -- positional@0 1 0 drover clone show --store \(store)")
                        == ["web-1", "web-2"])
            }
        }

        @Test func `a peer is measured on its control socket, and elsewhere only when that is asked for`() async throws
        {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 3)
                _ = try await fleet.peer("seed")
                let listen = "127.0.0.1:\(try await freePort())"
                _ = try await fleet.peer("host", options: "--metrics \(listen)")
                try await droverDoes("master fetch base@1 --wait --clone web --count 2 --store \(fleet.path("host"))")
                let socket = fleet.path("host/control.sock")
                let seen = try await tool("curl -sS --unix-socket \(socket) http://drover/metrics")
                let lines = seen.split(separator: "\n").map(String.init)
                for line in [
                    #"drover_peer_bytes_total{direction="received"} 3145728"#,
                    #"drover_peer_origin_bytes_total{origin="peer"} 3145728"#,
                    #"drover_clone_create_duration_seconds_count{backend="qcow2"} 2"#, #"drover_clones{state="ok"} 2"#,
                    #"drover_store_masters{state="registered"} 1"#,
                ] { #expect(lines.contains(line), "\(line) is not in \(seen)") }
                for name in [
                    "drover_store_free_bytes", "drover_store_headroom_bytes", "drover_clock_offset_seconds",
                    "drover_stage_last_verified_block_timestamp_seconds", "process_resident_memory_bytes",
                ] { #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name) is not in \(seen)") }
                let elsewhere = try await tool("curl -sS http://\(listen)/metrics")
                #expect(elsewhere.contains("drover_peer_bytes_total") && elsewhere.count > seen.count / 2)
                let other = try await tool("curl -sS -o /dev/null -w %{http_code} http://\(listen)/v1/status")
                #expect(other == "404")
                try await droverRefuses(
                    "peer run --metrics here --store \(fleet.path("x"))", with: 2, saying: "--metrics")
            }
        }
    }
}
