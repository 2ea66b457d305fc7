// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// Guests that differ, and masters in which nothing keeps them from it.
    @Suite struct Identities {
        private static let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFm6v5nYvWdhc0GxY3H8kQw8mJd0oX2o7Cqk1x9Yw3bR"

        /// Runs `drover` with words that may have blanks.
        private func run(_ words: [String]) async throws -> String { try await tool(Program.drover, words) }

        private func metaData(_ path: String) async throws -> String {
            try await tool("isoinfo", ["-J", "-i", path, "-x", "/meta-data;1"])
        }

        @Test func `seed images are made, shown, renewed and removed, with and without a peer`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 2)
                let store = fleet.path("store")
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                let (keys, data) = (fleet.path("keys.pub"), fleet.path("user-data"))
                try writeFile(Array("# ours\n\(Self.key) one\n\(Self.key) \"two\": [x]\n".utf8), to: keys)
                try writeFile(Array("#!/bin/sh\nexit 0\n".utf8), to: data)
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    _ = try await run([
                        "clone", "create", "base", "vm", "--count", "2", "--hostname", "web.example.net", "--ssh-key",
                        keys,
                        "--ssh-key", "\(Self.key) three", "--user-data", data, "--store", store,
                    ])
                    let (first, second) = ("\(store)/clones/vm-1.seed.iso", "\(store)/clones/vm-2.seed.iso")
                    let shown = try await droverDoes("clone show vm-1 --store \(store)").output
                    #expect(shown.contains(first) && shown.contains("52:"))
                    let config = try await droverDoes("clone config vm-1 --for kvm --store \(store)").output
                    let mac = try #require(shown.split(separator: "\n").first { $0.hasPrefix("mac") }?.suffix(17))
                    let uuid = try #require(shown.split(separator: "\n").first { $0.hasPrefix("uuid") }?.suffix(36))
                    #expect(config.contains("<mac address='\(mac)'/>") && config.contains("<uuid>\(uuid)</uuid>"))
                    #expect(
                        try await tool("isoinfo", ["-J", "-i", second, "-x", "/user-data;1"]) == "#!/bin/sh\nexit 0\n")
                    let before = try await [metaData(first), metaData(second)]
                    #expect(before[0].contains("local-hostname: \"web-1.example.net\"\n"))
                    #expect(before[0].contains("- \"\(Self.key) \\\"two\\\": [x]\"\n- \"\(Self.key) three\"\n"))
                    #expect(before[0].split(separator: "\n")[0] != before[1].split(separator: "\n")[0])

                    try await droverDoes("clone reset vm-1 --store \(store)")
                    let after = try await metaData(first)
                    #expect(after != before[0] && after.drop { $0 != "\n" } == before[0].drop { $0 != "\n" })
                    #expect(try await droverDoes("clone show vm-1 --store \(store)").output == shown)
                    try await droverDoes("clone remove vm-1 vm-2 --store \(store)")
                    #expect(try listing("\(store)/clones").allSatisfy { $0.hasPrefix("journal ") })
                    peer?.process.kill()
                }
            }
        }

        @Test(arguments: ["store", "it's <a>, $HOME"])
        func `libvirt's schema and qemu take a VM with a seed image`(_ name: String) async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 2)
                let store = fleet.path(name)
                for words in ["master create \(image) --name base --version 1", "clone create base web --hostname web"]
                {
                    _ = try await run(words.split(separator: " ").map(String.init) + ["--store", store])
                }
                let domain = fleet.path("web.xml")
                let text = try await run(["clone", "config", "web", "--for", "kvm", "--store", store])
                #expect(text.contains("device='cdrom'"))
                try writeFile(Array(text.utf8), to: domain)
                try await tool("virt-xml-validate", [domain, "domain"])
                let command = try await run([
                    "clone", "config", "web", "--for", "qemu", "--memory", "64", "--store", store,
                ])
                let machine = try await VirtualMachine(
                    fleet, command: String(command.dropLast()), disk: "\(store)/clones/web.seed.iso")
                machine.kill()
            }
        }

        @Test func `what no guest can be is refused and nothing made`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 2)
                let store = fleet.path("store")
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                let (secret, empty) = (fleet.path("id"), fleet.path("empty"))
                try writeFile(Array("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n".utf8), to: secret)
                try writeFile([], to: empty)
                let key = try Self.keyFile(fleet)
                for (order, status, part) in [
                    ("vm --hostname a_b", 2, "host name"), ("a_b --ssh-key \(key)", 2, "--hostname"),
                    ("vm --ssh-key \(secret)", 2, "private"), ("vm --ssh-key \(secret)-too", 3, "SSH key"),
                    ("vm --ssh-key \(image)", 2, "SSH key"), ("vm --user-data \(empty)", 2, "empty"),
                    ("vm --user-data \(image)", 2, "1 MiB"), ("vm --user-data \(secret)-too", 3, "user data"),
                ] as [(String, Int32, String)] {
                    try await droverRefuses("clone create base \(order) --store \(store)", with: status, saying: part)
                }
                #expect(access("\(store)/clones/vm.qcow2", F_OK) != 0)
            }
        }

        private static func keyFile(_ fleet: Fleet) throws -> String {
            let path = fleet.path("one.pub")
            try writeFile(Array("\(key)\n".utf8), to: path)
            return path
        }

        @Test func `lint says what is in a master, with and without a peer`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let (good, bad, none) = (fleet.path("good.raw"), fleet.path("bad.raw"), fleet.path("none.raw"))
                for (path, id) in [(good, ""), (bad, "0123456789abcdef0123456789abcdef\n")] {
                    let etc = fleet.path("tree-\(id.utf8.count)")
                    try await tool("mkdir", ["-p", "\(etc)/etc"])
                    try writeFile(Array(id.utf8), to: "\(etc)/etc/machine-id")
                    try await tool("mke2fs", ["-q", "-d", etc, path, "8M"])
                }
                try makeImage(none, mebibytes: 2)
                for (name, path) in [("good", good), ("bad", bad), ("none", none)] {
                    try await droverDoes("master create \(path) --name \(name) --version 1 --store \(store)")
                }
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    #expect(
                        try await droverDoes("master lint good --store \(store)").output == "good@1: nothing found\n")
                    let found = try await drover("master lint bad --store \(store)")
                    #expect(found.status == 8 && found.output.contains("machine-id: /etc/machine-id (whole image)"))
                    #expect(
                        found.output.contains("why: ") && found.output.contains("repair: truncate -s 0 /etc/machine-id")
                    )
                    expectOneSentence(found.errors, saying: "new version")
                    let json = try await drover("master lint bad@1 --format json --store \(store)")
                    #expect(json.status == 8 && json.output.contains(#""id" : "machine-id""#))
                    try await droverRefuses("master lint none --store \(store)", with: 6, saying: "whole image")
                    try await droverRefuses("master lint other --store \(store)", with: 3)
                    peer?.process.kill()
                }
            }
        }
    }
}
