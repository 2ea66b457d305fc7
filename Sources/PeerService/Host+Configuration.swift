// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Glibc
import ImageStore

/// What a hypervisor is told of a clone.
extension Host {
    private static let machineID = "/etc/machine-id"
    private static let longestMachineID = 256

    /// The configuration of a machine that has a clone as its disk.
    /// - Throws: ``HostFailure`` with `.conflict` for a clone that is broken or that the hypervisor cannot open, `.usage`
    ///   for an unknown hypervisor, a template with an error or numbers out of range, `.notFound`.
    func configuration(_ order: HostRequest.ConfigureClone) throws -> String {
        let hypervisor = try Hypervisor(order.hypervisor)
        let clone = try clones.show(CloneName(order.clone))
        let masterPath = (try? store.master(named: clone.master))?.path ?? store.layout.masterImage(clone.master)
        let machine = try MachineConfiguration(
            clone, masterPath: masterPath, scope: scope, memory: order.memory,
            processors: order.processors)
        let text = try machine.text(for: hypervisor, template: order.template)
        let report = report(clone)
        guard report.isUsable else {
            throw HostFailure(.conflict, "no machine can use the clone \(clone.name): \(report.health)")
        }
        return text
    }

    /// This store among all: hosts have their stores in the same place and clones of the same names, and their machines
    /// meet in one network. The host is known by its machine id, or by its name where it has none.
    var scope: String {
        let bytes = (try? files.contents(of: Self.machineID, limit: Self.longestMachineID)) ?? []
        let host = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        return "\(host ?? Self.hostName)\n\(store.layout.root)"
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
