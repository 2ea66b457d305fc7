// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
    /// Peers whose bytes are wrong.
    @Suite struct Liars {
        @Test func `a master that was changed behind the store's back is not served`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                try flipByte(of: fleet.path("seed/masters/base@1.raw"), at: 2 << 20)
                let seed = try await fleet.peer("seed")
                let entry = try #require(try await seed.status().master("base@1"))
                #expect(entry.state == "failed")
                #expect(entry.failure?.contains("changed") == true)
                try await droverRefuses(
                    "clone create base vm --store \(seed.store)", with: 8, saying: "master verify")
                let verdict = try await drover("master verify base@1 --store \(seed.store)")
                #expect(verdict.status == 8 && verdict.errors.contains("damaged"), "\(verdict)")
                #expect(try await drover("clone create base vm --store \(seed.store)").status == 8)
                // Put right again, it is verified and then served.
                try flipByte(of: fleet.path("seed/masters/base@1.raw"), at: 2 << 20)
                try await droverDoes("master verify base@1 --store \(seed.store)")
                let host = try await fleet.peer("host")
                try await droverDoes("master fetch base --wait --store \(host.store)")
            }
        }

        /// Rot that keeps a file's time of change cannot be seen without reading it: the host that fetches sees it.
        @Test func `wrong bytes are refused, and the fetch ends with what an honest peer has`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish(
                    "base@1", in: "liar", mebibytes: 8, options: "--piece-length 1048576")
                try await tool("cp -a \(fleet.path("liar")) \(fleet.path("honest"))")
                for offset in stride(from: 100, to: 8 << 20, by: 1 << 20) {
                    try flipByte(of: fleet.path("liar/masters/base@1.raw"), at: offset, keepingTime: true)
                }
                let liar = try await fleet.peer("liar")
                #expect(try await liar.status().master("base@1")?.state == "registered")
                let host = try await fleet.peer("host")
                try await droverDoes("master fetch base --clone vm --store \(host.store)")
                try await eventually("the liar is banned") { host.process.errors.contains("banned") }
                let entry = try #require(try await host.status().master("base@1"))
                #expect(entry.bytesVerified == 0 && entry.state == "fetching")
                #expect(try listing("\(host.store)/clones").isEmpty)
                _ = try await fleet.peer("honest")
                try await host.registered("base@1")
                #expect(try await areIdentical(image, host.master("base@1")))
                // The liar does not stop lying, but it is found out by its own verification.
                #expect(try await drover("master verify base --store \(liar.store)").status == 8)
                #expect(try await liar.status().master("base@1")?.state == "failed")
            }
        }
    }

    /// Who is not let in.
    @Suite struct Strangers {
        @Test func `what strangers do wrong is counted, and networks that are not allowed are kept out`() async throws {
            try await Fleet.run { fleet in
                try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let seed = try await fleet.peer("seed")
                let address = try #require(try await seed.status().listen.first).replacing(":", with: "/")
                try await tool("bash", ["-c", "printf nonsense >/dev/tcp/\(address)"])
                try await eventually("the violation is counted") {
                    try await seed.status().violations == ["notBitTorrent": 1]
                }
                let text = try await droverDoes("status --store \(seed.store)").output
                #expect(text.contains("connections dropped: 1 notBitTorrent"))
                let host = try await fleet.peer("host", options: "--allow-network 192.0.2.0/24 --allow-network ::1")
                try await droverDoes("master fetch base --store \(host.store)")
                let closed = try #require(try await host.status().listen.first).replacing(":", with: "/")
                try await tool("bash", ["-c", "printf x >/dev/tcp/\(closed)"])
                try await eventually("the stranger is not let in") {
                    try await host.status().refusals == ["outsideNetworks": 1]
                }
                #expect(try await host.status().master("base@1")?.peers == 0)
            }
        }
    }

    @Suite struct IPv6 {
        @Test func `a tracker and peers work over IPv6`() async throws {
            try await Fleet.run(on: "[::1]") { fleet in
                let image = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
                let seed = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                try await droverDoes("master fetch base --clone vm --wait --store \(host.store)")
                #expect(try await areIdentical(image, host.master("base@1")))
                let from = try #require(try await host.status().master("base@1")?.sources.first?.peer)
                #expect(from == (try await seed.status().listen.first))
                #expect(from.hasPrefix("[::1]:"))
                // A fetch in the foreground listens on both families.
                let store = fleet.path("foreground")
                try await droverDoes("master fetch base --tracker \(fleet.tracker) --store \(store)")
                #expect(try await areIdentical(image, "\(store)/masters/base@1.raw"))
            }
        }
    }
}
