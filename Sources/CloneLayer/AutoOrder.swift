// SPDX-License-Identifier: Apache-2.0

/// Which backends `auto` tries, in which order, and why: it depends on who will run the machines.
package struct AutoOrder: Equatable, Sendable {
    package let kinds: [CloneBackendKind]
    /// A clause such as "this host runs Xen, whose machines take block devices best".
    package let reason: String

    /// For the hypervisors of a host. docs/decisions/0003-clone-backend-contract.md gives the reasons for the orders.
    package init(for hypervisors: LocalHypervisors) {
        if hypervisors.isXen {
            kinds = [.dmSnapshot, .reflink, .qcow2, .copy]
            reason = "this host runs Xen, whose machines take block devices and raw files best"
        } else if hypervisors.hasVirtualBox, !hypervisors.hasKVM {
            kinds = [.reflink, .copy, .qcow2]
            reason = "this host has VirtualBox, which opens no qcow2"
        } else {
            kinds = [.qcow2, .reflink, .copy]
            reason =
                hypervisors.hasKVM || hypervisors.hasQemu
                ? "qcow2 serves KVM and qemu best" : "no hypervisor here asks for another order"
        }
    }
}
