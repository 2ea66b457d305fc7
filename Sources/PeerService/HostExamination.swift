// SPDX-License-Identifier: Apache-2.0

package import CloneLayer
package import FileLayer
import Glibc
package import ToolLayer

/// Looks at a host: its kernel, the store's file system, programs, hypervisors, and what each clone backend makes of all
/// that. It changes nothing but a small file, by which it finds out how fast the disk is.
package struct HostExamination {
    private let root: String
    private let files: any FileAccess
    private let tools: any ToolAccess

    /// Below this a fetch of any master is likely to fail.
    private static let littleSpace: Int64 = 4 << 30
    /// What is called for, and for what.
    private static let programs = [
        ("qemu-img", "master create converts images that are not raw with it"),
        ("prlimit", "it bounds what qemu-img may take"),
        ("dmsetup", "the backends dm-snapshot and dm-thin use it"),
        ("lvcreate", "the backends lvm and lvm-thin use it"),
    ]

    package init(root: String, files: any FileAccess, tools: any ToolAccess) {
        self.root = root
        self.files = files
        self.tools = tools
    }

    /// The whole probe.
    /// - Parameter clones: the clones of the store there is.
    package func report(of clones: CloneRegistry) -> DoctorReport {
        report(clones.capabilities(for: nil), clones.autoOrder, storeIsThere: true)
    }

    /// The probe of a host that has no store yet: as if one were made at the root.
    package func reportWithoutStore() -> DoctorReport {
        let site = CloneSite(folder: trialFolder, files: files)
        defer { rmdir(trialFolder) }
        let capabilities = CloneRegistry.standardBackends(at: site).map { backend in
            (kind: backend.kind, capability: backend.probe(nil, settings: .none))
        }
        let order = AutoOrder(for: LocalHypervisors(files: files, tools: tools))
        var report = report(capabilities, order, storeIsThere: false)
        for index in report.checks.indices {
            // The folder is gone when somebody reads of it.
            report.checks[index].finding.replace(trialFolder, with: nearest)
        }
        return report
    }

    /// In the nearest folder above the store that is there.
    private var trialFolder: String { "\(nearest)/.drover-doctor-\(getpid())" }

    private var nearest: String {
        var path = root
        while path != "/", (try? files.status(path)) == nil { path = path.parentDirectory }
        return path
    }

    private func report(
        _ capabilities: [(kind: CloneBackendKind, capability: CloneCapability)], _ order: AutoOrder, storeIsThere: Bool
    ) -> DoctorReport {
        DoctorReport(
            checks: [kernel] + store(isThere: storeIsThere) + hypervisors + programs + capabilities.map(Self.check),
            autoOrder: order.kinds.map(\.rawValue), autoReason: order.reason)
    }

    private var kernel: DoctorReport.Check {
        var name = utsname()
        guard uname(&name) == 0 else {
            return DoctorReport.Check("kernel", .warning, "the kernel does not say its name")
        }
        let release = withUnsafeBytes(of: name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let who = geteuid() == 0 ? "as root" : "not as root, so that device-mapper and LVM are out of reach"
        return DoctorReport.Check("kernel", .ok, "Linux \(release), looked at \(who)")
    }

    private func store(isThere: Bool) -> [DoctorReport.Check] {
        var checks: [DoctorReport.Check] = []
        let fileSystem = FileSystemName(of: nearest, files: files).map { " on \($0.text)" } ?? ""
        checks.append(
            isThere
                ? DoctorReport.Check("store", .ok, "\(root)\(fileSystem)")
                : DoctorReport.Check(
                    "store", .note, "there is none at \(root)\(fileSystem) yet",
                    fix: "it is made by the first master create or peer run; --store names another place"))
        if access(nearest, W_OK) != 0 {
            checks.append(
                DoctorReport.Check(
                    "store.writable", .error, "\(nearest) cannot be written: \(String(cString: strerror(errno)))",
                    fix: "run this as the store's owner, or name another store with --store"))
        }
        if isThere, let latency = syncLatency { checks.append(Self.check(latency)) }
        if let space = try? files.space(at: nearest) {
            let isLittle = space.available < Self.littleSpace
            checks.append(
                DoctorReport.Check(
                    "store.space", isLittle ? .warning : .ok,
                    "\(space.available >> 20) MiB of \(space.total >> 20) MiB are free",
                    fix: isLittle ? "free some space, or use a store on a larger disk" : nil))
        }
        return checks
    }

    /// How long a small write takes to be durable: the median of some; `nil` where it cannot be tried.
    private var syncLatency: Duration? {
        let path = "\(root)/.drover-doctor-\(getpid())"
        guard let file = try? files.open(path, .createNew) else { return nil }
        defer { try? files.remove(path) }
        let bytes = [UInt8](repeating: 0x55, count: 4096)
        var times: [Duration] = []
        for number in 0..<Self.syncTrials {
            let start = ContinuousClock.now
            do {
                try bytes.withUnsafeBytes { try file.write($0, at: Int64(number * $0.count)) }
                try file.sync()
            } catch {
                return nil
            }
            times.append(start.duration(to: .now))
        }
        return times.sorted()[times.count / 2]
    }

    private static let syncTrials = 5
    /// A disk of this latency makes everybody wait who makes clones or stages masters.
    private static let slowSync = Duration.milliseconds(100)

    private static func check(_ latency: Duration) -> DoctorReport.Check {
        let isSlow = latency >= slowSync
        let milliseconds = (latency.milliseconds * 10).rounded() / 10
        return DoctorReport.Check(
            "disk.latency", isSlow ? .warning : .ok, "a small write is durable after \(milliseconds) ms",
            fix: isSlow ? "see what else writes to the store's disk, or use a faster one" : nil)
    }

    private var hypervisors: [DoctorReport.Check] {
        let found = LocalHypervisors(files: files, tools: tools)
        var checks = [
            kvm(found),
            found.hasQemu
                ? DoctorReport.Check("hypervisor.qemu", .ok, "qemu is installed")
                : DoctorReport.Check(
                    "hypervisor.qemu", .note, "qemu is not installed",
                    fix: "install qemu-system-x86 to run machines here"),
        ]
        if found.isXen { checks.append(DoctorReport.Check("hypervisor.xen", .ok, "this is the first domain of a Xen")) }
        if found.hasVirtualBox {
            checks.append(DoctorReport.Check("hypervisor.virtualbox", .ok, "VirtualBox is installed"))
        }
        return checks
    }

    /// Whether KVM runs a processor here, found out with a machine that never starts: a node in /dev does not show it.
    private func kvm(_ found: LocalHypervisors) -> DoctorReport.Check {
        let slow = "and qemu without it is slow"
        guard found.hasKVM else {
            return DoctorReport.Check(
                "hypervisor.kvm", .note, "there is no /dev/kvm that this user may use, \(slow)",
                fix: "load kvm_intel or kvm_amd, let the user into the group kvm, or switch virtualisation on in the "
                    + "firmware")
        }
        let machine = [
            "-accel", "kvm", "-cpu", "host", "-nodefaults", "-no-user-config", "-display", "none", "-m", "16", "-S",
        ]
        guard let program = Self.emulators.first(where: { tools.find($0) != nil }) else {
            return DoctorReport.Check("hypervisor.kvm", .ok, "/dev/kvm is there; no qemu to try it with")
        }
        do throws(ToolError) { try tools.run(ToolCall(program, machine, limit: Self.trial)) } catch {
            guard error.cause != .timedOut else {
                return DoctorReport.Check("hypervisor.kvm", .ok, "a machine with this host's processor can be made")
            }
            let reason = error.words.split(separator: "\n").first.map { ": \($0)" } ?? ""
            return DoctorReport.Check(
                "hypervisor.kvm", .warning, "KVM does not run here, \(slow)\(reason)",
                fix: "look at the kernel's log; in a virtual machine, switch nested virtualisation on at its host")
        }
        return DoctorReport.Check("hypervisor.kvm", .warning, "qemu ended by itself, so that nothing is known of KVM")
    }

    private static let emulators = ["qemu-system-x86_64", "qemu-system-aarch64"]
    /// A machine that is still there after this has its processor.
    private static let trial = Duration.seconds(2)

    private var programs: [DoctorReport.Check] {
        Self.programs.map { name, use in
            if let path = tools.find(name) { return DoctorReport.Check("program.\(name)", .ok, path) }
            let package = ToolError.packages[name] ?? name
            return DoctorReport.Check(
                "program.\(name)", .note, "\(name) is not installed; \(use)", fix: "install Debian's package \(package)"
            )
        }
    }

    private static func check(_ kind: CloneBackendKind, _ capability: CloneCapability) -> DoctorReport.Check {
        switch capability {
        case .available(let facts): DoctorReport.Check("backend.\(kind.rawValue)", .ok, facts.summary)
        case .unavailable(let reason, let fix): DoctorReport.Check("backend.\(kind.rawValue)", .note, reason, fix: fix)
        }
    }
}
