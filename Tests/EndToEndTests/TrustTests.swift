// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Publishers who sign, and hosts that take nobody else's word.
    @Suite struct SignedMasters {
        private static func sign(_ master: String, _ keys: String, in store: String, at tracker: String) async throws {
            try await droverDoes("master sign \(master) \(keys) --store \(store)")
            try await droverDoes("master publish \(master) --tracker \(tracker) --store \(store)")
        }

        @Test func `a host takes what enough publishers have signed, forward only, and what is revoked no more`()
            async throws
        {
            try await Fleet.run { fleet in
                let (keys, root) = try await fleet.publishers()
                let all = "--root \(root) \(keys)"
                let seed = try await fleet.peer("seed")
                for version in 1...3 {
                    try await fleet.publish("base@\(version)", in: "seed", mebibytes: 2, seed: UInt64(version))
                }
                let host = try await fleet.peer("host")
                try await droverDoes("trust pin \(root) --store \(host.store)")
                let fetch = "master fetch base@2 --tracker \(fleet.tracker) --store \(host.store)"
                try await droverRefuses(fetch, with: 8, saying: "(unsigned)")
                #expect(try await host.status().master("base@2") == nil, "nothing is begun")

                // One signature of two, then both.
                try await droverDoes("master sign base@2 --key \(fleet.path("carol.key")) --store \(seed.store)")
                try await droverDoes("master publish base@2 --tracker \(fleet.tracker) --store \(seed.store)")
                try await droverRefuses(fetch, with: 8, saying: "(too-few-signatures)")
                try await Self.sign("base@2", keys, in: seed.store, at: fleet.tracker)
                try await droverDoes(fetch + " --wait")
                try await droverDoes("master activate base@2 --store \(host.store)")

                // An older version is refused until the publishers point back to it.
                try await Self.sign("base@1", keys, in: seed.store, at: fleet.tracker)
                let back = "master fetch base@1 --tracker \(fleet.tracker) --store \(host.store)"
                try await droverRefuses(back, with: 8, saying: "(rollback)")
                try await droverDoes("master point base@1 --over 3 --tracker \(fleet.tracker) \(all)")
                try await droverDoes(back + " --wait")
                try await droverDoes("master activate base@1 --store \(host.store)")
                try await droverRefuses("master activate base@2 --store \(host.store)", with: 8, saying: "(rollback)")

                try await droverRefuses(
                    "master point base@1 --tracker \(fleet.tracker) \(all)", with: 8, saying: "--over")

                // What is revoked is not served, fetched or cloned; the clone that is there stays.
                try await droverDoes("clone create base vm --store \(host.store)")
                try await droverDoes("master revoke base@1 --over 3 --tracker \(fleet.tracker) \(all)")
                try await droverDoes("trust refresh --store \(host.store)")
                try await droverRefuses("clone create base more --store \(host.store)", with: 8, saying: "(revoked)")
                #expect(try await droverDoes("clone list --store \(host.store)").output.contains("vm"))
                #expect(try await droverDoes("master list --store \(host.store)").output.contains("revoked"))
                try await eventually("it is no longer served") {
                    host.process.errors.contains("a master was revoked and is no longer served")
                }
                try await droverDoes("trust pin \(root) --store \(seed.store)")
                try await droverDoes("trust refresh --store \(seed.store)")
                let late = try await fleet.peer("late")
                try await droverDoes("trust pin \(root) --store \(late.store)")
                try await droverRefuses(
                    "master fetch base@1 --tracker \(fleet.tracker) --store \(late.store)", with: 8, saying: "(revoked)"
                )

                // A .torrent by hand needs a word, and that is on record.
                let torrent = "\(seed.store)/masters/base@3.torrent"
                try await droverRefuses("master fetch \(torrent) --store \(host.store)", with: 8, saying: "(unsigned)")
                try await droverDoes("master fetch \(torrent) --unsigned --wait --store \(host.store)")
                try await droverRefuses("clone create base@3 raw --store \(host.store)", with: 8, saying: "(unsigned)")
                try await droverDoes("clone create base@3 raw --unsigned --store \(host.store)")
                try await droverDoes("master activate base@3 --unsigned --store \(host.store)")
                let audit = try await droverDoes("audit list --store \(host.store)").output
                for words in [
                    "trust.pin", "begun without signatures", "done without signatures", "master.activate", "base@2",
                    "(rollback)",
                ] {
                    #expect(audit.contains(words), "\(words) in \(audit)")
                }
                #expect(try await droverDoes("audit verify --store \(host.store)").output.contains("fits"))
            }
        }

        @Test func `the signature of each publisher may come from another machine`() async throws {
            try await Fleet.run { fleet in
                let (_, root) = try await fleet.publishers()
                try await fleet.publish("base@1", in: "seed", mebibytes: 1)
                let statement = fleet.path("base@1.statement")
                try await droverDoes(
                    "master sign base@1 --key \(fleet.path("alice.key")) -o \(statement) --store \(fleet.path("seed"))")
                let shown = try await droverDoes("trust sign \(statement) --key \(fleet.path("carol.key"))")
                #expect(shown.output.contains("\"name\":\"base\""), "one sees what one signs: \(shown)")
                try await droverDoes("trust publish \(statement) --tracker \(fleet.tracker)")
                _ = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                try await droverDoes("trust pin \(root) --store \(host.store)")
                try await droverDoes("master fetch base --tracker \(fleet.tracker) --wait --store \(host.store)")
                // Another root needs the old one's publishers.
                let key = try await droverDoes("key create \(fleet.path("mallory.key"))").lines[0]
                let other = fleet.path("other.json")
                try await droverDoes(
                    "trust create --serial 2 --threshold 1 --publisher mallory=\(key) --key \(fleet.path("mallory.key")) -o \(other)"
                )
                try await droverRefuses("trust pin \(other) --store \(host.store)", with: 8, saying: "(unknown-key)")
            }
        }

        @Test func `a bare name is moved forth and back with no tracker and no peer`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("host")
                for version in 1...2 {
                    try await fleet.publish("base@\(version)", in: "host", mebibytes: 1, seed: UInt64(version))
                }
                try fleet.startedTracker.kill()
                try await droverDoes("master activate base@1 --store \(store)")
                try await droverDoes("clone create base one --store \(store)")
                #expect(try await droverDoes("clone show one --store \(store)").output.contains("base@1"))
                let active = try await droverDoes("master activate base@2 --store \(store)").output
                #expect(active.contains("base") && active.contains("2"))
                try await droverDoes("clone create base two --store \(store)")
                #expect(try await droverDoes("clone show two --store \(store)").output.contains("base@2"))
                try await droverRefuses("master remove base@1 --store \(store)", with: 5)
                let back = try await droverDoes("master rollback base --reason broken --store \(store)").output
                #expect(back.contains("2 (broken)"), "\(back)")
                try await droverDoes("clone create base three --store \(store)")
                #expect(try await droverDoes("clone show three --store \(store)").output.contains("base@1"))
                try await droverRefuses("master activate base@2 --store \(store)", with: 5, saying: "broken")
                try await droverRefuses("master rollback base --store \(store)", with: 5)
                try await droverDoes("master activate base@2 --clear-denial --store \(store)")
            }
        }

        @Test func `masters go when nothing needs them, and no clone loses its master`() async throws {
            try await Fleet.run { fleet in
                let peer = try await fleet.peer("host")
                for version in 1...4 {
                    try await fleet.publish("base@\(version)", in: "host", mebibytes: 1, seed: UInt64(version))
                }
                let store = "--store \(peer.store)"
                try await droverDoes("clone create base@1 old \(store)")
                try await droverDoes("master pin base@2 \(store)")
                #expect(try await droverDoes("master retire base@1 \(store)").output.contains("old"))
                let dry = try await droverDoes("master prune --quota 3M --dry-run \(store)")
                #expect(
                    dry.output.contains("base@3")
                        && dry.errors.contains("base@1 is retired and stays: clones depend on it"))
                #expect(try await peer.status().master("base@3")?.state == "registered")
                try await droverDoes("master prune --quota 3M \(store)")
                #expect(try await peer.status().master("base@3") == nil)
                #expect(try await drover("master prune --quota 1M \(store)").status == 6)
                try await droverRefuses("master remove base@2 \(store)", with: 5, saying: "pinned")
                try await droverDoes("master unpin base@2 \(store)")
                try await droverDoes("clone remove old \(store)")
                #expect(try await droverDoes("master prune \(store)").output.contains("base@1"))
                #expect(try await droverDoes("master list \(store)").output.contains("base@4"))
                #expect(try await peer.status().master("base@1") == nil)
                try await droverDoes("master activate base@4 \(store)")
                try await droverRefuses("master retire base@4 \(store)", with: 5, saying: "activate another one")
            }
        }

        @Test func `a trail that was changed is noticed, and nothing is done on top of it`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("host")
                try await fleet.publish("base@1", in: "host", mebibytes: 1)
                try await droverDoes("master activate base@1 --store \(store)")
                let trail = try readFile("\(store)/audit.log")
                try writeFile(
                    Array(String(decoding: trail, as: UTF8.self).replacing("base@1", with: "base@7").utf8),
                    to: "\(store)/audit.log")
                try await droverRefuses("audit verify --store \(store)", with: 8, saying: "line 1")
                try await droverRefuses("master activate base@1 --store \(store)", with: 1, saying: "line 1")
                // A line that a power cut tore off was never acknowledged.
                try writeFile(trail + Array("0123 {".utf8), to: "\(store)/audit.log")
                try await droverDoes("master activate base@1 --store \(store)")
                #expect(try await droverDoes("audit verify --store \(store)").output.contains("4 records"))
            }
        }

        @Test func `a key is never overwritten, and not used when others may read it`() async throws {
            try await Fleet.run { fleet in
                let path = fleet.path("a.key")
                let key = try await droverDoes("key create \(path)").output
                #expect(try await droverDoes("key show \(path)").output == key)
                try await droverRefuses("key create \(path)", with: 5)
                chmod(path, 0o644)
                try await droverRefuses("key show \(path)", with: 1, saying: "chmod 600")
                let openssl = try await tool("openssl", ["pkey", "-in", path, "-text", "-noout"])
                #expect(openssl.contains("ED25519"))
            }
        }
    }
}
