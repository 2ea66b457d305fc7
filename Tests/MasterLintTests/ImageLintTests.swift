// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Foundation
import MasterLint
import TestSupport
import Testing
import ToolLayer

/// Images as build tools make them, good and bad.
@Suite struct ImageLintTests {
    private static let machineID = "0123456789abcdef0123456789abcdef\n"

    /// What a guest's root has in a well kept master.
    private static let good: [String: String] = [
        "etc/machine-id": "", "etc/ssh/sshd_config": "Port 22\n", "etc/ssh/ssh_host_old_key.pub": "ssh-rsa AAAA\n",
        "var/lib/dbus/machine-id": "->/etc/machine-id", "var/lib/dhcp/dhclient.leases": "", "var/lib/cloud/": "",
        "var/lib/dhcpcd/duid": "", "etc/dhcpcd.conf": "duid\n",
        "var/lib/systemd/": "", "var/lib/NetworkManager/": "", "var/log/": "",
    ]

    /// What one has that ran.
    private static let bad: [String: String] = [
        "etc/machine-id": machineID, "etc/ssh/ssh_host_ed25519_key": "secret\n", "etc/ssh/ssh_host_rsa_key": "secret\n",
        "etc/ssh/ssh_host_rsa_key.pub": "public\n", "var/lib/dbus/machine-id": machineID,
        "var/lib/dhcp/dhclient.eth0.leases": "lease {}\n", "var/lib/dhclient/dhclient.leases": "lease {}\n",
        "etc/dhcpcd.secret": "0123\n", "var/lib/dhcpcd/duid": "00:01:00:01\n",
        "var/lib/NetworkManager/internal-1-eth0.lease": "ADDRESS=10.0.0.1\n",
        "var/lib/NetworkManager/secret_key": "nm-v2\n",
        "var/lib/cloud/instance": "->/var/lib/cloud/instances/i-1", "var/lib/systemd/random-seed": "random\n",
        "var/log/": "",
    ]

    private static let badFindings = [
        "cloud-init-instance /var/lib/cloud/instance", "dbus-machine-id /var/lib/dbus/machine-id",
        "dhcp-id /etc/dhcpcd.secret", "dhcp-id /var/lib/dhcpcd/duid",
        "dhcp-lease /var/lib/NetworkManager/internal-1-eth0.lease", "dhcp-lease /var/lib/dhclient/dhclient.leases",
        "dhcp-lease /var/lib/dhcp/dhclient.eth0.leases", "machine-id /etc/machine-id",
        "network-secret /var/lib/NetworkManager/secret_key", "random-seed /var/lib/systemd/random-seed",
        "ssh-host-key /etc/ssh/ssh_host_ed25519_key", "ssh-host-key /etc/ssh/ssh_host_rsa_key",
    ]

    private func lint(_ image: GuestImage) async throws -> LintReport {
        let before = try image.bytes()
        let report = try ImageLint(image.path, files: PosixFiles(), tools: PosixTools()).run()
        #expect(try image.bytes() == before, "the image was changed")
        return report
    }

    private func texts(_ report: LintReport) -> [String] { report.findings.map { "\($0.id) \($0.path)" }.sorted() }

    @Test(arguments: ["ext2", "ext3", "ext4"])
    func `a clean image passes and a used one does not, without a partition table`(_ type: String) async throws {
        let clean = try GuestImage(mebibytes: 8)
        try clean.ext(Self.good, type: type)
        let report = try await lint(clean)
        #expect(report.findings.isEmpty && report.isComplete, "\(report)")
        #expect(report.places.map(\.kind) == [.ext] && report.places.map(\.name) == ["whole image"])

        let used = try GuestImage(mebibytes: 8)
        try used.ext(Self.bad, type: type)
        let found = try await lint(used)
        #expect(texts(found) == Self.badFindings)
        #expect(found.findings.allSatisfy { !$0.why.isEmpty && !$0.repair.isEmpty && $0.place == "whole image" })
    }

    @Test(arguments: [
        "label: gpt\n1MiB,8MiB\n9MiB,8MiB\n17MiB,8MiB\n", "label: dos\n1MiB,8MiB,83\n9MiB,8MiB,83\n17MiB,8MiB,83\n",
    ])
    func `every partition is looked into, and a /var of its own is known as one`(_ script: String) async throws {
        let image = try GuestImage(mebibytes: 32)
        try image.partition(script)
        try image.ext(["grub/grub.cfg": "set timeout=0\n", "vmlinuz": "ELF"], at: 1)
        try image.ext(["etc/machine-id": "uninitialized\n", "etc/ssh/ssh_host_rsa_key": "secret\n"], at: 9)
        try image.ext(
            ["lib/dhcp/dhclient.leases": "lease {}\n", "lib/dbus/machine-id": Self.machineID, "log/": ""], at: 17)
        let report = try await lint(image)
        #expect(report.places.map(\.name) == ["partition 1", "partition 2", "partition 3"] && report.isComplete)
        #expect(
            report.findings.map { "\($0.place) \($0.path)" }.sorted() == [
                "partition 2 /etc/ssh/ssh_host_rsa_key", "partition 3 /var/lib/dbus/machine-id",
                "partition 3 /var/lib/dhcp/dhclient.leases",
            ])
    }

    /// Partitions of FAT12, FAT16 and FAT32, by their size, as mtools make them.
    @Test(arguments: [("12", 2, []), ("16", 16, []), ("32", 48, ["-F"])])
    func `a boot loader's random seed is found in FAT`(_ width: String, _ mebibytes: Int, _ options: [String])
        async throws
    {
        let image = try GuestImage(mebibytes: 64)
        try image.partition("label: gpt\n1MiB,\(mebibytes)MiB,U\n50MiB,8MiB\n")
        try image.ext(Self.good, at: 50)
        // So many names that the folder goes on in further clusters.
        var files: [(path: String, content: String)] = [("EFI/", ""), ("Loader/", "")]
        for number in 1...40 { files.append(("Loader/an entry with a name of some length \(number).conf", "x\n")) }
        try image.fat(files, at: 1, mebibytes: mebibytes, options: options)
        #expect(try image.bytes()[(1 << 20)...].prefix(90).contains(sequence: Array("FAT\(width)".utf8)))
        var report = try await lint(image)
        #expect(report.places.map(\.kind) == [.fat, .ext] && report.isComplete && report.findings.isEmpty, "\(report)")

        files.append(("Loader/random-seed", "32 bytes of randomness"))
        try image.fat(files, at: 1, mebibytes: mebibytes, options: options)
        report = try await lint(image)
        #expect(texts(report) == ["random-seed /loader/random-seed"] && report.isComplete, "\(report)")
        #expect(report.findings.map(\.place) == ["partition 1"])

        // Its boot sector spoilt.
        try image.write([0, 0], at: 1 << 20 | 11)
        report = try await lint(image)
        #expect(report.places.map { $0.obstacle != nil } == [true, false])
    }

    @Test func `what cannot be looked into is said, with what to do`() async throws {
        let image = try GuestImage(mebibytes: 400)
        try image.partition("label: gpt\n1MiB,8MiB\n9MiB,310MiB\n320MiB,8MiB\n330MiB,8MiB\n")
        try image.ext(Self.good, at: 1)
        let xfs = "\(image.folder.path)/xfs"
        try PosixFiles().open(xfs, .createNew).truncate(to: 310 << 20)
        _ = try GuestImage.run("mkfs.xfs", ["-q", xfs])
        try image.write(Array(try PosixFiles().contents(of: xfs, limit: 1 << 30).prefix(1 << 20)), at: 9 << 20)
        try image.write([0x53, 0xef], at: 320 << 20 | 1080)
        let report = try await lint(image)
        #expect(report.places.map(\.kind) == [.ext, .xfs, .ext, .unknown])
        #expect(report.places.map { $0.obstacle != nil } == [false, true, true, true] && !report.isComplete)
        #expect(report.places[1].obstacle?.contains("guestfish") == true)
        #expect(report.places[2].obstacle?.contains("debugfs could not read it") == true, "\(report.places[2])")
        #expect(report.findings.isEmpty)
    }

    @Test func `what could hide a guest's files is never passed for clean`() async throws {
        // No root at all.
        let boot = try GuestImage(mebibytes: 16)
        try boot.partition("label: gpt\n1MiB,8MiB\n")
        try boot.ext(["grub/grub.cfg": "x", "vmlinuz": "ELF"], at: 1)
        var report = try await lint(boot)
        #expect(report.places.last?.obstacle?.contains("root of a guest was not found") == true)
        // A file system that is no root, such as a /var/lib of its own.
        let lib = try GuestImage(mebibytes: 32)
        try lib.partition("label: gpt\n1MiB,8MiB\n9MiB,8MiB\n")
        try lib.ext(Self.good, at: 1)
        try lib.ext(["dhcp/dhclient.leases": "lease {}\n", "dbus/machine-id": Self.machineID], at: 9)
        report = try await lint(lib)
        #expect(report.findings.isEmpty && report.places[1].obstacle?.contains("neither") == true)
        // A folder that is a link elsewhere.
        let linked = try GuestImage(mebibytes: 8)
        var files = Self.good
        files["etc/ssh"] = "->/srv/ssh"
        for name in files.keys where name.hasPrefix("etc/ssh/") { files[name] = nil }
        try linked.ext(files)
        report = try await lint(linked)
        #expect(report.places[0].obstacle?.contains("/etc/ssh in it is a link") == true, "\(report.places)")
        // An image that was cut off: its table knows of a root that is not there.
        let cut = try GuestImage(mebibytes: 32)
        try cut.partition("label: gpt\n1MiB,8MiB\n9MiB,8MiB\n")
        try cut.ext(Self.good, at: 1)
        try cut.ext(Self.bad, at: 9)
        try PosixFiles().open(cut.path, .update).truncate(to: 10 << 20)
        report = try await lint(cut)
        #expect(report.findings.isEmpty && report.places[1].obstacle?.contains("within the image") == true)
        // A journal that waits to be replayed: the bit that the kernel sets when it mounts.
        let dirty = try GuestImage(mebibytes: 16)
        try dirty.ext(Self.good, type: "ext4")
        let features = try dirty.bytes()[1024 + 96]
        try dirty.write([features | 4], at: 1024 + 96)
        report = try await lint(dirty)
        #expect(report.places[0].obstacle?.contains("journal") == true)
    }

    @Test func `swap space that was used is a finding, and a fresh one none`() async throws {
        let image = try GuestImage(mebibytes: 32)
        try image.partition("label: dos\n1MiB,8MiB,82\n9MiB,8MiB,83\n")
        let swap = "\(image.folder.path)/swap"
        try PosixFiles().open(swap, .createNew).truncate(to: 8 << 20)
        _ = try GuestImage.run("mkswap", [swap])
        try image.write(Array(try PosixFiles().contents(of: swap, limit: 1 << 30).prefix(4096)), at: 1 << 20)
        try image.ext(Self.good, at: 9)
        var report = try await lint(image)
        #expect(
            report.findings.isEmpty && report.isComplete && report.places.map(\.kind) == [.swap, .ext], "\(report)")
        try image.write([1], at: 9 << 20 - 1)
        report = try await lint(image)
        #expect(texts(report) == ["swap-content swap space"])
    }

    @Test func `names that mean to deceive end in the report as harmless text or not at all`() async throws {
        let image = try GuestImage(mebibytes: 8)
        var files = Self.good
        files["etc/ssh/ssh_host_\u{1b}[2J_key"] = "x"
        files["etc/ssh/ssh_host_a\nb_key"] = "x"
        files["etc/ssh/ssh_host_\u{202e}x_key"] = "x"
        files["etc/ssh/ssh_host_\" -w; rm x_key"] = "x"
        files["etc/machine-id"] = "->/proc/self/environ"
        files["var/lib/dhcp/lease;|$(reboot)"] = "x"
        try image.ext(files)
        let report = try await lint(image)
        #expect(report.isComplete)
        for finding in report.findings {
            #expect(!finding.path.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f || $0.value == 0x202e })
        }
        #expect(report.findings.map(\.path).contains("/etc/ssh/ssh_host_?[2J_key"))
        #expect(report.findings.map(\.path).contains("/etc/ssh/ssh_host_\" -w; rm x_key"))
        #expect(!report.findings.contains { $0.id == "machine-id" }, "a link out of the image was followed")
    }

    @Test func `an image that is damaged at random is told or refused, and nothing hangs`() async throws {
        let image = try GuestImage(mebibytes: 8)
        try image.ext(Self.bad)
        let whole = try image.bytes()
        for seed in 0..<12 {
            var bytes = Array(whole.prefix(256 << 10))
            var value = UInt64(seed + 1) &* 0x9e37_79b9_7f4a_7c15
            for _ in 0..<400 {
                value ^= value << 13
                value ^= value >> 7
                value ^= value << 17
                // The first superblock stays one, so that debugfs has something to do.
                let place = 2048 + Int(value % UInt64(bytes.count - 2048))
                bytes[place] ^= UInt8(truncatingIfNeeded: value >> 32)
            }
            try image.write(bytes, at: 0)
            let report = try ImageLint(image.path, files: PosixFiles(), tools: PosixTools()).run()
            #expect(report.places.count == 1 && report.findings.count <= 100)
        }
    }

    @Test func `an image that is not there is an error`() async throws {
        #expect(throws: FileError.self) {
            try ImageLint("/nonexistent/x.raw", files: PosixFiles(), tools: PosixTools()).run()
        }
    }
}

extension Collection<UInt8> {
    fileprivate func contains(sequence: [UInt8]) -> Bool {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.starts(with: sequence) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}
