// SPDX-License-Identifier: Apache-2.0

package import CloneLayer

/// What is measured: clones of one backend, or a disk to compare them with. All of them are reached in the same way,
/// except for those that show what this way takes by itself.
package enum BenchSubject: Hashable, Sendable {
    /// A file of the master's size without holes, which everything is compared with.
    case rawFile
    /// The same file opened by fio itself.
    case bareFile
    /// A copy of the master that keeps its holes.
    case sparseFile
    /// A partition filled with the master, by its path.
    case partition(String)
    /// The same partition opened by fio itself.
    case barePartition(String)
    case clone(CloneBackendKind)

    /// The word in JSON.
    package var word: String {
        switch self {
        case .rawFile: "raw-file"
        case .bareFile: "raw-file-without-export"
        case .sparseFile: "sparse-file"
        case .partition: "partition"
        case .barePartition: "partition-without-export"
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
        case .barePartition(let path): "\(path), no export"
        case .clone(let kind): kind.rawValue
        }
    }

    package var isClone: Bool { if case .clone = self { true } else { false } }

    /// Whether fio opens it itself.
    package var isBare: Bool {
        switch self {
        case .bareFile, .barePartition: true
        case .rawFile, .sparseFile, .partition, .clone: false
        }
    }

    /// Why no guest of this host could read or write it as it should, or `nil` when it can be measured.
    package var obstacle: String? {
        self == .clone(.vhd)
            ? "not measurable on this host: needs Xen's blktap or Hyper-V; qemu would read zeros" : nil
    }
}
