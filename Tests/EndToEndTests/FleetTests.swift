// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// A fleet from its first signature to its way back.
    @Suite struct Rollouts {
        /// A disk that boots and says so, with so much behind it that fetching takes a while.
        private func image(_ path: String, seed: UInt64) throws -> String {
            try makeImage(path, mebibytes: 11, seed: seed)
            let descriptor = open(path, O_WRONLY)
            defer { close(descriptor) }
            let boot = BootSector.says("base is-up\r\n").image.prefix(512)
            guard pwrite(descriptor, Array(boot), boot.count, 0) == boot.count else { throw TestFailure(path) }
            return path
        }

        @Test func `six hosts get what two of three have signed, lose two on the way, end well, and go back alone`()
            async throws
        {
            try await Fleet.run { fleet in
                // Whose word counts, and who may do what.
                let (keys, root) = try await fleet.publishers()
                let options = ["--tls", "--fleet", "--trust-root", root]
                try await fleet.found(options: options)
                let tracker = "--tracker \(fleet.tracker) --tracker-ca \(fleet.path("authority/authority.pem"))"
                let publisher = "\(tracker) --token-file \(try await fleet.operatorToken("publisher"))"
                let access = "\(tracker) --token-file \(try await fleet.operatorToken("operator"))"
                let names = (1...2).flatMap { rack in (1...3).map { "rack\(rack)-\($0)" } }
                for name in names {
                    try await fleet.enrol(fleet.path(name), as: name)
                    try await droverDoes("trust pin \(root) --store \(fleet.path(name))")
                }

                // Two versions, the second without enough signatures at first.
                let seed = "--store \(fleet.path("rack1-1"))"
                let torrent = fleet.path("base@2.torrent")
                for version in 1...2 {
                    let source = try image(fleet.path("base@\(version).img"), seed: UInt64(version))
                    try await droverDoes(
                        "master create \(source) --name base --version \(version) --tracker \(fleet.tracker) \(seed)"
                            + " --out \(fleet.path("base@\(version).torrent"))")
                    try await droverDoes("master sign base@\(version) --key \(fleet.path("alice.key")) \(seed)")
                }
                try await droverRefuses(
                    "master publish base@2 \(publisher) \(seed)", with: 8, saying: "(too-few-signatures)")
                for version in 1...2 {
                    try await droverDoes("master sign base@\(version) \(keys) \(seed)")
                    try await droverDoes("master publish base@\(version) \(publisher) \(seed)")
                }

                func run(_ name: String, awaiting marker: String = "is-up") async throws -> FleetPeer {
                    try await fleet.peer(
                        name,
                        options: "--rack \(name.prefix(5)) --probe-memory 64 --probe-marker \(marker) --probe-timeout "
                            + (marker == "is-up" ? "60s" : "10s"))
                }
                var peers: [String: FleetPeer] = [:]
                for name in names { peers[name] = try await run(name, awaiting: name == "rack2-1" ? "never" : "is-up") }
                let quick = "--canary-soak 1s --wave-soak 1s --silence-limit 30s --stage-limit 20s --retries 0"
                func wait(_ number: Int, exits status: Int32) async throws -> String {
                    let finished = try await drover(
                        "rollout status \(number) --wait --timeout 5m --quiet \(access)", within: .seconds(330))
                    guard finished.status == status else { throw TestFailure("\(finished)") }
                    return finished.output
                }

                // The first version, straight to everybody.
                let plan = try await droverDoes("rollout plan base@1 --on all --canaries rack1-2 \(access)").output
                #expect(plan.contains("6 in 4 waves") && plan.contains("canaries  rack1-2"), "\(plan)")
                try await droverDoes(
                    "rollout start base@1 --on all --canaries rack1-2 --auto-promote --probe nobody \(quick) \(access)")
                #expect(try await wait(1, exits: 0).contains("6 healthy"))

                // The second: one host dies while it fetches, and one of the canaries does not boot.
                try await droverDoes("limit --down 2M --store \(fleet.path("rack2-3"))")
                let started = try await droverDoes(
                    "rollout start base@2 --on all --canaries rack1-1,rack2-1 --probe every-host \(quick) \(access)")
                #expect(started.output == "2\n")
                try await peers["rack2-3"]?.verified("base@2", bytes: 1)
                peers["rack2-3"]?.process.kill()
                let stopped = try await wait(2, exits: 6)
                #expect(stopped.contains("error-threshold") && stopped.contains("2 rolled-back"), "\(stopped)")
                let log = try await droverDoes("rollout why 2 rack2-1 --log \(access)").output
                #expect(log.contains("'never'") && log.contains("base is-up"), "\(log)")
                for name in names where name != "rack2-3" {
                    #expect(try await active(fleet.path(name)) == 1)
                }

                // Both are mended and tried again; somebody looks, promotes, pauses, goes on.
                peers["rack2-1"]?.process.kill()
                peers["rack2-1"] = try await run("rack2-1")
                try await droverDoes("limit --down off --store \(fleet.path("rack2-3"))")
                peers["rack2-3"] = try await run("rack2-3")
                try await droverDoes("rollout retry 2 \(access)")
                try await droverDoes("rollout resume 2 \(access)")
                #expect(try await wait(2, exits: 5).contains("canary-gate"))
                #expect(try await active(fleet.path("rack2-1")) == 2)
                #expect(try await active(fleet.path("rack2-2")) == 1)
                try await droverDoes("rollout promote 2 \(access)")
                try await droverDoes("rollout pause 2 --reason lunch \(access)")
                #expect(try await wait(2, exits: 5).contains("lunch"))
                try await droverDoes("rollout resume 2 \(access)")
                #expect(try await wait(2, exits: 0).contains("6 healthy"))
                for name in names { #expect(try await active(fleet.path(name)) == 2) }

                // Whoever merely has the torrent gets nothing.
                let host = try #require(peers["rack1-2"])
                let client = try fleet.libtorrent(
                    torrent, in: fleet.path("client"), connectingTo: try #require(try await host.status().listen.first))
                let stranger = try await fleet.peer("stranger", withTracker: false)
                try await droverRefuses(
                    "master fetch \(torrent) --store \(stranger.store)", with: 8, saying: "drover host enrol")
                try await eventually("libtorrent asks for a certificate") {
                    client.errors.contains("certificate") || client.errors.contains("SSL")
                }
                #expect(!client.output.contains("done"))

                // Back, with nobody to ask, and it stays so when the tracker is there again.
                try await fleet.stopTracker()
                for name in names {
                    let store = "--store \(fleet.path(name))"
                    try await droverDoes("clone create base before \(store)")
                    try await droverDoes("master rollback base --reason broken \(store)")
                    try await droverDoes("clone create base after \(store)")
                    #expect(try await droverDoes("clone show before \(store)").output.contains("base@2"))
                    #expect(try await droverDoes("clone show after \(store)").output.contains("base@1"))
                }
                try await fleet.startTracker(options: ["--authority", fleet.path("authority")] + options)
                let told = try await eventually("all hosts have told it", within: .seconds(180)) {
                    let status = try await droverDoes("rollout status 2 \(access)").output
                    return status.contains("6 rolled-back") ? status : nil
                }
                #expect(told.contains("6 of @1, 6 of @2"), "\(told)")
                for name in names { #expect(try await active(fleet.path(name)) == 1) }
            }
        }

        /// Which version a bare name means in a store.
        private func active(_ store: String) async throws -> Int? {
            let shown = try await droverDoes("master active --store \(store)")
            return shown.lines.dropFirst().first.flatMap { line in
                line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            }
        }
    }
}
