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
    /// A block device: a device-mapper snapshot over the master's file.
    case dmSnapshot = "dm-snapshot"
    /// A block device: a device-mapper thin device over the master's file, its pool in the store.
    case dmThin = "dm-thin"
    /// A block device: a classic LVM snapshot of a volume that holds the master.
    case lvm
    /// A block device: a thin LVM volume over a volume that holds the master.
    case lvmThin = "lvm-thin"

    /// Whether its clones are block devices, which have to be made known to the kernel after each restart.
    package var isBlockDevice: Bool {
        switch self {
        case .qcow2, .reflink, .copy, .vhd: false
        case .dmSnapshot, .dmThin, .lvm, .lvmThin: true
        }
    }
}
