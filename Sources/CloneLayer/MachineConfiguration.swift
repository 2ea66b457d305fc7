// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A virtual machine with one clone as its disk, as a hypervisor is to be told of it.
package struct MachineConfiguration: Hashable, Sendable {
    package static let defaultMemory = 1024
    /// MiB; from what boots at all to 16 TiB.
    package static let memoryRange = 16...16_777_216
    package static let processorRange = 1...1024

    /// The machine is called like its clone.
    package let name: CloneName
    package let backend: CloneBackendKind
    /// What the machine opens; absolute.
    package let path: String
    /// What the clone was made from; absolute. An overlay is backed by it: the master's image, and for a differencing
    /// VHD the parent that was made of it.
    package let master: String
    /// MiB.
    package let memory: Int
    package let processors: Int
    /// The CD-ROM in its drive, if it has one; absolute.
    package let seedImage: String?
    package let identity: MachineIdentity

    /// - Parameters:
    ///   - masterPath: the image of the clone's master.
    ///   - scope: what tells this store from every other, see ``MachineIdentity``.
    ///   - memory: MiB; ``defaultMemory`` when `nil`.
    ///   - processors: one when `nil`.
    /// - Throws: ``CloneError`` of kind `.usage` for numbers out of range.
    package init(
        _ clone: Clone, masterPath: String, scope: String, memory: Int? = nil, processors: Int? = nil
    ) throws(CloneError) {
        self.memory = memory ?? Self.defaultMemory
        self.processors = processors ?? 1
        guard Self.memoryRange.contains(self.memory) else {
            throw CloneError(
                .usage,
                "a machine cannot have \(self.memory) MiB of memory; ask for \(Self.memoryRange.lowerBound) to "
                    + "\(Self.memoryRange.upperBound)")
        }
        guard Self.processorRange.contains(self.processors) else {
            throw CloneError(
                .usage,
                "a machine cannot have \(self.processors) CPUs; ask for \(Self.processorRange.lowerBound) to "
                    + "\(Self.processorRange.upperBound)")
        }
        name = clone.name
        backend = clone.backend
        path = clone.path
        master = clone.backend == .vhd ? VhdParents.path(of: clone.master, besides: clone.path) : masterPath
        seedImage = clone.seedImage
        identity = MachineIdentity(of: clone.name, scope: scope)
    }

    /// The text that makes `hypervisor` run this machine.
    /// - Parameter template: the user's own; the built-in one when `nil`.
    /// - Throws: ``CloneError``: `.conflict` when the hypervisor cannot open the clone or a value cannot be written in
    ///   its language, `.usage` for a template with an error.
    package func text(for hypervisor: Hypervisor, template: String? = nil) throws(CloneError) -> String {
        if let obstacle = hypervisor.obstacle(to: backend) { throw CloneError(.conflict, obstacle) }
        let template = try MachineTemplate(
            template ?? hypervisor.template(for: backend, hasSeedImage: seedImage != nil))
        return try template.filled { placeholder throws(CloneError) in
            try hypervisor.quoted(value(of: placeholder), as: placeholder)
        }
    }

    private func value(of placeholder: MachineTemplate.Placeholder) throws(CloneError) -> String {
        switch placeholder {
        case .name: return name.text
        case .path: return path
        case .format: return backend.format
        case .master: return master
        case .memory: return "\(memory)"
        case .cpus: return "\(processors)"
        case .mac: return identity.hardwareAddress
        case .uuid: return identity.identifier
        case .seed:
            guard let seedImage else {
                throw CloneError(
                    .conflict,
                    "the clone \(name) has no seed image for {{seed}}; make it with --hostname, --ssh-key or --user-data, "
                        + "or use a template without")
            }
            return seedImage
        }
    }
}
