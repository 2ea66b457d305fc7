// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FoundationEssentials

/// The machine in which a clone is probed: one processor, no screen, the clone as its disk and the seed image in its drive,
/// its serial console on standard output. It is a value; ``CloneProbe`` runs it.
struct ProbeMachine {
    /// What runs the guest's processor.
    enum Acceleration: String, Sendable {
        case kvm
        /// All emulated.
        case tcg
    }

    #if arch(x86_64)
        static let program: String? = "qemu-system-x86_64"
    #else
        static let program: String? = nil
    #endif
    /// The descriptor at which the machine takes orders.
    static let monitor: Int32 = 3

    let clone: Clone
    /// MiB.
    let memory: Int
    let acceleration: Acceleration
    /// The guest's only port that can be reached; `nil` for a machine without a network.
    let port: UInt16?

    /// The arguments of ``program``. What is written to the disk goes with the clone, so that nobody waits for it to be
    /// durable. A guest that panics and can say so ends the machine.
    var arguments: [String] {
        get throws {
            var words = [
                "-name", "guest=\(clone.name)", "-nodefaults", "-no-user-config", "-display", "none",
                "-machine", "q35,accel=\(acceleration.rawValue)", "-cpu", "max", "-m", "\(memory)",
                "-device", "pvpanic", "-device", "virtio-rng-pci", "-serial", "stdio",
                "-blockdev", try Self.json(disk), "-device", "virtio-blk-pci,drive=disk",
            ]
            if let seed = clone.seedImage {
                // On virtio too, since kernels made for clouds have no drivers for SATA.
                words += [
                    "-blockdev",
                    try Self.json(
                        Node(
                            name: "seed", driver: "raw", isReadOnly: true, file: .init(driver: "file", path: seed))),
                    "-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=seed",
                ]
            }
            if let port {
                words += [
                    "-chardev", "socket,id=monitor,fd=\(Self.monitor)", "-mon", "chardev=monitor,mode=control",
                    "-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:\(port)",
                    "-device", "virtio-net-pci,netdev=net",
                ]
            }
            return words
        }
    }

    private var disk: Node {
        let isDevice = clone.backend.isBlockDevice
        return Node(
            name: "disk", driver: clone.backend == .qcow2 ? "qcow2" : "raw", isReadOnly: nil,
            cache: .init(noFlush: true), file: .init(driver: isDevice ? "host_device" : "file", path: clone.path))
    }

    private static func json(_ node: Node) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(node), as: UTF8.self)
    }

    /// A disk as qemu is told of it, whatever is in its path.
    private struct Node: Encodable {
        struct File: Encodable {
            let driver: String
            let path: String
            enum CodingKeys: String, CodingKey { case driver, path = "filename" }
        }
        struct Cache: Encodable {
            let noFlush: Bool
            enum CodingKeys: String, CodingKey { case noFlush = "no-flush" }
        }
        let name: String
        let driver: String
        let isReadOnly: Bool?
        var cache: Cache?
        let file: File
        enum CodingKeys: String, CodingKey {
            case driver, cache, file
            case name = "node-name"
            case isReadOnly = "read-only"
        }
    }
}
