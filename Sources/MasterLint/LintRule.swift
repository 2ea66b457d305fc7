// SPDX-License-Identifier: Apache-2.0

/// What must not be in a master, because every clone would have it alike.
struct LintRule: Sendable {
    /// What makes a file a finding.
    enum Test: Sendable {
        /// A regular file that is not empty.
        case isFilled
        /// A regular file that holds a machine id, which is 32 hexadecimal digits.
        case holdsMachineID
        /// Anything of that name.
        case isThere
    }

    let id: String
    /// Absolute, in the guest.
    let folder: String
    let names: @Sendable (String) -> Bool
    let test: Test
    let what: String
    let why: String
    let repair: String

    static let all: [LintRule] =
        [
            LintRule(
                id: "machine-id", folder: "/etc", names: { $0 == "machine-id" }, test: .holdsMachineID,
                what: "a machine id is set",
                why: "systemd, D-Bus and DHCP clients of all clones would pass for one machine",
                repair: "truncate -s 0 /etc/machine-id"),
            LintRule(
                id: "dbus-machine-id", folder: "/var/lib/dbus", names: { $0 == "machine-id" }, test: .holdsMachineID,
                what: "D-Bus has a machine id of its own",
                why: "it wins over an empty /etc/machine-id, and all clones get the same again",
                repair: "ln -sf /etc/machine-id /var/lib/dbus/machine-id"),
            LintRule(
                id: "ssh-host-key", folder: "/etc/ssh", names: { $0.hasPrefix("ssh_host_") && $0.hasSuffix("_key") },
                test: .isFilled, what: "the SSH server has its private key",
                why: "whoever has one clone can pass for every other",
                repair:
                    "rm /etc/ssh/ssh_host_*_key*, and see that the guest makes keys at its first start, as cloud-init does"
            ),
            LintRule(
                id: "cloud-init-instance", folder: "/var/lib/cloud", names: { $0 == "instance" }, test: .isThere,
                what: "cloud-init has run",
                why: "it keeps what it found, and in part does not run again", repair: "cloud-init clean --logs --seed"),
            LintRule(
                id: "random-seed", folder: "/var/lib/systemd", names: { $0 == "random-seed" }, test: .isFilled,
                what: "the random generator's seed was saved",
                why: "clones would begin with the same randomness, and keys made early could be alike",
                repair: "rm /var/lib/systemd/random-seed"),
            LintRule(
                id: "network-secret", folder: "/var/lib/NetworkManager", names: { $0 == "secret_key" }, test: .isFilled,
                what: "NetworkManager has its secret key",
                why: "clones would choose the same stable addresses and DHCP ids",
                repair: "rm /var/lib/NetworkManager/secret_key"),
        ] + identifiers + leases

    /// dhcpcd's, which older versions keep in /etc.
    private static let identifiers: [LintRule] = [
        ("/var/lib/dhcpcd", ["duid", "secret"]), ("/etc", ["dhcpcd.duid", "dhcpcd.secret"]),
    ].map { folder, names in
        LintRule(
            id: "dhcp-id", folder: folder, names: { names.contains($0) }, test: .isFilled,
            what: "the DHCP client dhcpcd has its own id, or the secret of its addresses",
            why: "servers take all clones for one machine and give them one address",
            repair: "rm -f \(names.map { "\(folder)/\($0)" }.joined(separator: " "))")
    }

    /// In a boot partition that firmware reads.
    static let boot: [LintRule] = [
        LintRule(
            id: "random-seed", folder: "/loader", names: { $0 == "random-seed" }, test: .isFilled,
            what: "systemd-boot has a seed for the random generator",
            why: "clones would begin with the same randomness, and keys made early could be alike",
            repair: "rm loader/random-seed on that partition, and bootctl random-seed in no master")
    ]

    private static let leases: [LintRule] = [
        "/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/NetworkManager", "/var/lib/dhcpcd", "/var/lib/systemd/network",
    ].map { folder in
        LintRule(
            id: "dhcp-lease", folder: folder,
            names: { $0.contains("lease") && !$0.hasPrefix("dhcpd") }, test: .isFilled,
            what: "a DHCP lease was kept",
            why: "clones would ask for the same address, and may use it before they are told",
            repair: "rm \(folder)/*lease*")
    }

    /// Whether what is in a file is a machine id.
    static func isMachineID(_ bytes: [UInt8]) -> Bool {
        let digits = bytes.prefix { $0 != 0x0a }
        return digits.count == 32 && digits.allSatisfy { "0123456789abcdefABCDEF".utf8.contains($0) }
    }
}
