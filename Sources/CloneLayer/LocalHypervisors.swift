// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import Glibc
package import ToolLayer

/// The hypervisors that a host has.
package struct LocalHypervisors: Equatable, Sendable {
    /// Its machines get a processor's help, and this process may ask for it.
    package var hasKVM = false
    /// It is the first domain of a Xen.
    package var isXen = false
    package var hasQemu = false
    package var hasVirtualBox = false

    package init(hasKVM: Bool = false, isXen: Bool = false, hasQemu: Bool = false, hasVirtualBox: Bool = false) {
        self.hasKVM = hasKVM
        self.isXen = isXen
        self.hasQemu = hasQemu
        self.hasVirtualBox = hasVirtualBox
    }

    /// Who will run most machines here, as far as that can be known: what ``AutoOrder`` chooses for, by the names of
    /// ``Hypervisor``.
    package var foremost: Hypervisor? {
        if isXen { return .xen }
        if hasKVM { return .kvm }
        if hasVirtualBox { return .virtualbox }
        return hasQemu ? .qemu : nil
    }

    private static let kvm = "/dev/kvm"
    private static let xen = "/proc/xen/capabilities"
    private static let longestCapabilities = 4096

    /// Looks at this host.
    package init(files: any FileAccess, tools: any ToolAccess) {
        hasKVM = access(Self.kvm, R_OK | W_OK) == 0
        // The file says "control_d" in the domain that may make others, and is empty elsewhere.
        // Its size is said to be 0, as of all files there.
        var words = [UInt8](repeating: 0, count: Self.longestCapabilities)
        let count = words.withUnsafeMutableBytes { bytes in
            (try? files.open(Self.xen, .read).read(into: bytes, at: 0)) ?? 0
        }
        isXen = String(decoding: words.prefix(count), as: UTF8.self).contains("control_d")
        hasQemu = tools.find("qemu-system-x86_64") != nil || tools.find("qemu-system-aarch64") != nil
        hasVirtualBox = tools.find("VBoxManage") != nil
    }
}
