// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import Metainfo
import Testing

/// A machine that has a clone as its disk.
/// - Parameter folder: the store's.
func machine(
    _ backend: CloneBackendKind = .qcow2, name: String = "web-1", folder: String = "/store", scope: String = "host",
    memory: Int? = nil, processors: Int? = nil, hasSeedImage: Bool = false
) throws -> MachineConfiguration {
    let artefact = CloneArtefact(
        clone: try CloneName(name), path: "\(folder)/clones/\(name).\(backend == .qcow2 ? "qcow2" : backend.format)")
    let clone = Clone(
        artefact: artefact, master: try #require(MasterName("debian@3")), backend: backend, created: 0, state: .ready,
        seedImage: hasSeedImage ? "\(folder)/clones/\(name).seed.iso" : nil)
    return try MachineConfiguration(
        clone, masterPath: "\(folder)/masters/debian@3.raw", scope: scope, memory: memory, processors: processors)
}

/// The error that a configuration ends in.
func refusal(_ body: () throws -> Void) -> CloneError? {
    do {
        try body()
        return nil
    } catch { return error as? CloneError }
}

/// What a machine is, whatever runs it.
@Suite struct MachineConfigurationTests {
    @Test func `the same clone is the same machine each time, and every other is another`() throws {
        let first = try machine()
        #expect(try first == machine())
        let others = try [machine(name: "web-2"), machine(scope: "other"), machine(name: "web-1.a")]
        #expect(Set(([first] + others).map(\.identity.identifier)).count == 4)
        #expect(Set(([first] + others).map(\.identity.hardwareAddress)).count == 4)
        #expect(first.identity.hardwareAddress.wholeMatch(of: /52(:[0-9a-f]{2}){5}/) != nil)
        #expect(
            first.identity.identifier.wholeMatch(
                of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/)
                != nil)
        // Their number must never change: a guest's leases and interface names hang on them.
        #expect(first.identity.hardwareAddress == "52:f4:32:ca:ee:04")
        #expect(first.identity.identifier == "34e5eacf-3ae5-83d3-8248-20c1aec38197")
    }

    @Test func `memory and CPUs have bounds`() throws {
        #expect(try machine().memory == 1024 && machine().processors == 1)
        #expect(try machine(memory: 16, processors: 1024).memory == 16)
        for (memory, processors) in [(15, 1), (0, 1), (-1, 1), (Int.max, 1), (64, 0), (64, 1025), (64, Int.min)] {
            #expect(refusal { _ = try machine(memory: memory, processors: processors) }?.kind == .usage)
        }
    }

    @Test func `a differencing VHD is backed by its parent beside it`() throws {
        #expect(try machine(.vhd).master == "/store/clones/debian@3.vhd")
        #expect(try machine(.qcow2).master == "/store/masters/debian@3.raw")
        #expect(try machine(.copy).master == "/store/masters/debian@3.raw")
    }

    @Test func `each hypervisor gets the clones that it opens and no other`() throws {
        let refused: [(Hypervisor, CloneBackendKind)] = [(.kvm, .vhd), (.qemu, .vhd), (.virtualbox, .qcow2)]
        for hypervisor in Hypervisor.allCases {
            for backend in CloneBackendKind.allCases {
                let isRefused = refused.contains { $0 == (hypervisor, backend) }
                // A template of the user's own is no way around it.
                for template in [nil, "{{path}}"] {
                    let error = refusal { _ = try machine(backend).text(for: hypervisor, template: template) }
                    #expect((error?.kind == .conflict) == isRefused, "\(hypervisor) \(backend)")
                    if isRefused { #expect(error?.description.contains("--backend") == true) }
                }
            }
        }
        let error = refusal { _ = try machine(.vhd).text(for: .qemu) }
        #expect(error?.description.contains("would read zeros in place of the master") == true)
        #expect(refusal { _ = try Hypervisor("hyperv") }?.kind == .usage)
        #expect(try Hypervisor("xen") == .xen)
    }

    @Test func `a template that names a seed image is for clones that have one`() throws {
        #expect(
            try machine(hasSeedImage: true).text(for: .xen, template: "<{{seed}}>") == "</store/clones/web-1.seed.iso>")
        let error = refusal { _ = try machine().text(for: .xen, template: "<{{seed}}>") }
        #expect(error?.kind == .conflict && error?.description.contains("--hostname") == true)
    }

    @Test func `a template has values where its placeholders are`() throws {
        let template = "{{name}} {{format}} {{memory}}\r\n{ {cpus} }{{cpus}}{{mac}}é{{uuid}} {{master}}{{path}}"
        let one = try machine(memory: 512, processors: 3)
        #expect(
            try one.text(for: .xen, template: template)
                == "web-1 qcow2 512\r\n{ {cpus} }3\(one.identity.hardwareAddress)é\(one.identity.identifier) \(one.master)\(one.path)"
        )
        #expect(try one.text(for: .xen, template: "") == "")
        #expect(try one.text(for: .xen, template: "no placeholder }}") == "no placeholder }}")
        // What a value holds is no placeholder.
        let odd = try machine(folder: "/{{uuid}}")
        #expect(try odd.text(for: .xen, template: "{{path}}") == "/{{uuid}}/clones/web-1.qcow2")
    }

    @Test(arguments: [
        "{{nam}}", "{{}}", "{{ name }}", "{{Name}}", "{{{name}}}", "{{name", "{{name\n}}", "{{\u{1b}[2J}}",
    ])
    func `a placeholder that is unknown or not closed is one clear error`(_ wrong: String) throws {
        let error = try #require(
            refusal { _ = try machine().text(for: .kvm, template: "{{name}}\n\n  \(wrong)") })
        #expect(error.kind == .usage && error.description.contains("line 3"), "\(error)")
        #expect(!error.description.contains("\n") && !error.description.contains("\u{1b}"))
    }
}
