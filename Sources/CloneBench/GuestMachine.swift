// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials

/// A machine of qemu's that measures one disk and ends.
struct GuestMachine {
    /// How the guest's processor comes about.
    enum Acceleration: String, Codable, Sendable, CaseIterable {
        case kvm
        /// All emulated.
        case tcg
    }

    let system: GuestSystem
    let acceleration: Acceleration
    private let folder: String

    /// In MiB: the archive is there packed and unpacked at once, and fio wants some.
    private static let memory = 768
    /// The longest a start may take, in seconds: emulated, on a host that is busy.
    private static let start = 180
    private static let console = "guest-console"
    private static let script = "guest-script"

    /// Finds out by a trial whether guests run on KVM here, and that they run at all.
    /// - Parameter folder: where what they need is written.
    /// - Returns: it, and why KVM did not do.
    static func tried(_ kernel: GuestKernel, in folder: String) async throws -> (machine: Self, obstacle: String?) {
        #if !arch(x86_64)
            throw BenchError(.failed, "guests are made on x86-64 alone; leave out --in-guest")
        #else
            let system = try await GuestSystem(kernel, at: folder + "/guest-system")
            var obstacle: String?
            for acceleration in Acceleration.allCases {
                let machine = GuestMachine(system: system, acceleration: acceleration, folder: folder)
                do {
                    let greeting = "drover-guest-ready"
                    let output = try await machine.run("echo \(greeting)\nexit\n", on: nil, seconds: 0)
                    guard output.contains(greeting) else { throw machine.failure("it did not start") }
                    return (machine, obstacle)
                } catch let error as BenchError where acceleration == .kvm && error.kind != .notFound {
                    obstacle = error.description
                }
            }
            throw BenchError(.failed, "no guest runs here; this is a bug")
        #endif
    }

    /// Runs all jobs in one boot.
    /// - Throws: ``BenchError``; `CancellationError`. The machine is gone then too.
    func measure(_ cases: [IOCase], on disk: DiskImage, settings: BenchReport.Settings) async throws -> [(
        IOCase, Double
    )] {
        let script = GuestScript(
            cases.map {
                FioJob(
                    ioCase: $0, target: .path(GuestScript.disk), size: settings.size, seconds: settings.seconds,
                    byteLimit: nil)
            })
        let output = try await run(
            script.text, on: disk, seconds: cases.count * FioJob.longest(settings.seconds))
        do {
            return try script.rates(in: output)
        } catch {
            throw error.kind == .failed ? failure(error.description) : error
        }
    }

    private func run(_ text: String, on disk: DiskImage?, seconds: Int) async throws -> String {
        do {
            // A disk has whole sectors.
            let padding = (4096 - text.utf8.count % 4096) % 4096
            try PosixFiles().replace(
                "\(folder)/\(Self.script)", with: Array(text.utf8) + [UInt8](repeating: 0x0a, count: padding))
            try PosixFiles().remove("\(folder)/\(Self.console)")
        } catch {
            throw BenchError(error)
        }
        let finished = try await BenchTool.qemu.run(
            try arguments(disk), in: folder, seconds: Self.start + seconds)
        guard finished.status == 0 else { throw failure(finished.reason) }
        return finished.output
    }

    /// The disk is the first one, the script the second one; without a disk the script stands for both.
    private func arguments(_ disk: DiskImage?) throws -> [String] {
        let script =
            #"{"driver":"raw","node-name":"NAME","read-only":true,"#
            + #""file":{"driver":"file","filename":"\#(Self.script)"}}"#
        return [
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35",
            "-accel", acceleration.rawValue, "-cpu", "max", "-m", "\(Self.memory)",
            "-kernel", system.kernel.image, "-initrd", system.archive,
            "-append", "console=ttyS0 quiet panic=-1", "-serial", "file:\(Self.console)", "-serial", "stdio",
            "-blockdev", try disk?.blockdev() ?? script.replacing("NAME", with: DiskImage.node),
            "-device", "virtio-blk-pci,drive=\(DiskImage.node)",
            "-blockdev", script.replacing("NAME", with: "script"), "-device", "virtio-blk-pci,drive=script",
        ]
    }

    /// What the kernel said last is the best hint at what went wrong.
    private func failure(_ reason: String) -> BenchError {
        let console = (try? Data(contentsOf: URL(filePath: "\(folder)/\(Self.console)"))) ?? Data()
        let last = String(decoding: console, as: UTF8.self).split(whereSeparator: \.isNewline).last
        let accelerated = acceleration.rawValue.uppercased()
        return BenchError(
            .failed,
            "a guest failed under \(accelerated): \(reason)" + (last.map { "; its kernel said last: \($0)" } ?? ""))
    }
}

/// The guests of a benchmark, for its report.
package struct GuestDescription: Equatable, Codable, Sendable {
    package let kernel: String
    /// `kvm`, or `tcg` for all emulated.
    package let acceleration: String
    /// Why it is not KVM.
    package let obstacle: String?

    package init(kernel: String, acceleration: String, obstacle: String?) {
        self.kernel = kernel
        self.acceleration = acceleration
        self.obstacle = obstacle
    }
}
