// SPDX-License-Identifier: Apache-2.0

/// A program that runs virtual machines, and so opens clones. The raw value is the word on the command line.
package enum Hypervisor: String, CaseIterable, Sendable {
    /// qemu with KVM under libvirt: a domain XML.
    case kvm
    /// Xen with its own toolstack: an xl.cfg.
    case xen
    /// qemu by itself: a command line.
    case qemu
    /// VirtualBox: VBoxManage commands.
    case virtualbox

    /// Reads `kvm`, `xen`, `qemu` or `virtualbox`.
    /// - Throws: ``CloneError`` of kind `.usage` that lists the words.
    package init(_ word: String) throws(CloneError) {
        guard let hypervisor = Hypervisor(rawValue: word) else {
            let words = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw CloneError(.usage, "no configuration can be written for '\(word)'; use one of \(words)")
        }
        self = hypervisor
    }

    /// Why a backend's clones must not be given to this hypervisor, as one sentence with what to do; `nil` when it opens
    /// them. docs/operating/hypervisors.md shows the table, and what of it was tried.
    package func obstacle(to backend: CloneBackendKind) -> String? {
        switch (self, backend) {
        case (.kvm, .vhd), (.qemu, .vhd): VhdBackend.obstacleToQemu
        case (.virtualbox, .qcow2):
            "qcow2 is not among the disk formats that VirtualBox writes; make the clone with --backend reflink, copy or "
                + "vhd"
        case (.kvm, _), (.qemu, _), (.xen, _), (.virtualbox, _): nil
        }
    }
}

extension CloneBackendKind {
    /// The format of the backend's artefacts, as hypervisors call it.
    package var format: String {
        switch self {
        case .qcow2: "qcow2"
        case .reflink, .copy, .dmSnapshot, .dmThin, .lvm, .lvmThin: "raw"
        case .vhd: "vhd"
        }
    }
}
