// SPDX-License-Identifier: Apache-2.0

package import CloneLayer

/// What is measured: clones of one backend, or a disk to compare them with.
package enum BenchSubject: Hashable, Sendable {
    /// A file of the master's size without holes, through the export.
    case rawFile
    /// The same file without the export, so that the export's own cost is seen.
    case bareFile
    /// A copy of the master that keeps its holes, through the export.
    case sparseFile
    /// A partition filled with the master, by its path.
    case partition(String)
    case clone(CloneBackendKind)

    /// The word in JSON.
    package var word: String {
        switch self {
        case .rawFile: "raw-file"
        case .bareFile: "raw-file-without-export"
        case .sparseFile: "sparse-file"
        case .partition: "partition"
        case .clone(let kind): kind.rawValue
        }
    }

    /// What people read.
    package var title: String {
        switch self {
        case .rawFile: "raw file"
        case .bareFile: "raw file, no export"
        case .sparseFile: "sparse file"
        case .partition(let path): path
        case .clone(let kind): kind.rawValue
        }
    }

    package var isClone: Bool { if case .clone = self { true } else { false } }

    /// Why no guest of this host could read or write it as it should, or `nil` when it can be measured.
    package var obstacle: String? {
        self == .clone(.vhd)
            ? "not measurable on this host: needs Xen's blktap or Hyper-V; qemu would read zeros" : nil
    }
}

/// How fio reaches a disk.
package enum BenchPath: String, Codable, Sendable {
    /// An image served by qemu-storage-daemon, as qemu would read it for a guest.
    case export
    /// A block device, opened directly.
    case device
    /// A file, opened directly: for reference only.
    case file

    /// What a disk reached in this way is compared with.
    package var reference: BenchSubject { self == .export ? .rawFile : .bareFile }
}
