// SPDX-License-Identifier: Apache-2.0

/// A way of making clones. The raw value is the word on the command line and in records.
package enum CloneBackendKind: String, CaseIterable, Hashable, Sendable {
    /// A qcow2 overlay over the master.
    case qcow2
    /// A raw file that shares the master's extents.
    case reflink
    /// A raw file of its own.
    case copy
    /// A differencing VHD, for Xen and Hyper-V. qemu opens it and reads zeros where the master's bytes belong.
    case vhd

    /// Whether `auto` may take it: a clone that was not asked for by name must be one that every hypervisor here opens.
    package var isChosenByAuto: Bool { self != .vhd }
}
