// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Testing

/// What each hypervisor is told, read back by somebody who speaks its language.
@Suite struct HypervisorTests {
    /// Folders that a careless writer would trip over.
    private static let hostile = [
        "/a b", "/it's", "/\"quoted\"", "/a&b<c>d", "/$(touch x)`id`", "/a,b,,c", "/back\\slash",
        "/é\u{301}'\u{301},\u{301}",
        "/-rf ;|*?[a]~#!{1,2}", "/]]>&amp;", "/{{name}}",
    ]
    private static let unspeakable = ["/a\nb", "/a\rb", "/a\tb", "/a\u{1}b", "/a\u{7f}b", "/a\u{2028}b", "/a\u{fffe}b"]

    private func xpath(_ expression: String, _ text: String) throws -> String {
        let folder = try TestFolder()
        let path = "\(folder.path)/domain.xml"
        try PosixFiles().replace(path, with: Array(text.utf8))
        return String(try ToolRun.check("xmllint", "--nonet", "--xpath", "string(\(expression))", path).dropLast())
    }

    /// The words of each call of `program`, as a shell hands them over.
    private func words(of program: String, in text: String) throws -> [[String]] {
        let shell = "\(program)() { printf '%s\\001' \"$@\"; printf '\\002'; }\n\(text)"
        return try ToolRun.check("sh", "-euc", shell).split(separator: "\u{2}")
            .map { $0.split(separator: "\u{1}", omittingEmptySubsequences: false).dropLast().map(String.init) }
    }

    @Test(arguments: hostile) func `libvirt reads every path as it is`(_ folder: String) throws {
        let one = try machine(folder: folder)
        let text = try one.text(for: .kvm)
        #expect(try xpath("/domain/devices/disk/source/@file", text) == one.path)
        #expect(try xpath("/domain/devices/disk/backingStore/source/@file", text) == one.master)
    }

    @Test func `a domain names the whole chain and leaves the master to its owner`() throws {
        let one = try machine(memory: 2048, processors: 4)
        let text = try one.text(for: .kvm)
        let disk = "/domain/devices/disk"
        for (expression, value) in [
            ("/domain/@type", "kvm"), ("/domain/name", "web-1"), ("/domain/uuid", one.identity.identifier),
            ("/domain/memory", "2048"), ("/domain/memory/@unit", "MiB"), ("/domain/vcpu", "4"),
            ("count(/domain/features/acpi)", "1"), ("\(disk)/driver/@type", "qcow2"),
            ("\(disk)/backingStore/format/@type", "raw"),
            ("\(disk)/backingStore/source/seclabel[@model='dac']/@relabel", "no"),
            ("count(\(disk)/source/seclabel)", "0"), ("count(\(disk)/backingStore/backingStore)", "1"),
            ("count(\(disk)/backingStore/backingStore/*)", "0"),
            ("/domain/devices/interface/mac/@address", one.identity.hardwareAddress),
        ] { #expect(try xpath(expression, text) == value, "\(expression)") }

        for backend in [CloneBackendKind.reflink, .copy] {
            let text = try machine(backend).text(for: .kvm)
            #expect(try xpath("\(disk)/driver/@type", text) == "raw")
            #expect(try xpath("count(\(disk)/backingStore)", text) == "1")
            #expect(try xpath("count(\(disk)/backingStore/*)", text) == "0" && !text.contains("debian@3"))
        }
    }

    @Test(arguments: hostile) func `a shell hands every path to qemu as it is`(_ folder: String) throws {
        let one = try machine(folder: folder)
        let calls = try words(
            of: "qemu_system", in: one.text(for: .qemu).replacing("qemu-system-x86_64", with: "qemu_system"))
        #expect(calls.count == 1)
        // qemu's own rule: a comma that belongs to a value is written twice.
        let path = one.path.unicodeScalars.reduce(into: "") { $0 += $1 == "," ? ",," : String($1) }
        let drive = calls[0].firstIndex(of: "-drive").map { calls[0][$0 + 1] }
        #expect(drive.map { Array($0.utf8) } == Array("file=\(path),format=qcow2,if=virtio".utf8))
    }

    @Test func `a qemu command line names the machine and the format`() throws {
        let one = try machine(.reflink, memory: 256, processors: 2)
        let calls = try words(
            of: "qemu_system", in: one.text(for: .qemu).replacing("qemu-system-x86_64", with: "qemu_system"))
        for (option, value) in [
            ("-name", "guest=web-1"), ("-uuid", one.identity.identifier), ("-m", "256"), ("-smp", "2"),
            ("-drive", "file=/store/clones/web-1.raw,format=raw,if=virtio"),
            ("-nic", "user,model=virtio-net-pci,mac=\(one.identity.hardwareAddress)"),
        ] { #expect(calls[0].firstIndex(of: option).map { calls[0][$0 + 1] } == value, "\(option)") }
    }

    @Test(arguments: hostile) func `a shell hands every path to VBoxManage as it is`(_ folder: String) throws {
        let raw = try machine(.copy, folder: folder)
        let text = try raw.text(for: .virtualbox)
        #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("VBoxManage ") })
        let calls = try words(of: "VBoxManage", in: text)
        #expect(calls.map { $0[0] } == ["createvm", "modifyvm", "storagectl", "internalcommands", "storageattach"])
        #expect(calls[3].suffix(2).map { Array($0.utf8) } == [Array("-rawdisk".utf8), Array(raw.path.utf8)])
        #expect(
            calls[1].last == raw.identity.hardwareAddress.replacing(":", with: "") && calls[4].last == "./web-1.vmdk")

        let vhd = try machine(.vhd, folder: folder)
        let opening = try words(of: "VBoxManage", in: vhd.text(for: .virtualbox))
        #expect(opening[3].map { Array($0.utf8) } == ["showmediuminfo", "disk", vhd.master].map { Array($0.utf8) })
        #expect(opening[4].last.map { Array($0.utf8) } == Array(vhd.path.utf8))
    }

    @Test func `an xl configuration has the target last and never leaves a VHD to qemu`() throws {
        for (backend, opener) in [
            (.qcow2, "format=qcow2,backendtype=qdisk,"), (.vhd, "format=vhd,backendtype=tap,"), (.copy, "format=raw,"),
            (.reflink, "format=raw,"),
        ] as [(CloneBackendKind, String)] {
            let one = try machine(backend, folder: "/a, b=c", memory: 512, processors: 2)
            let lines = try one.text(for: .xen).split(separator: "\n")
            #expect(lines.contains("disk = [ \"vdev=hda,access=rw,\(opener)target=\(one.path)\" ]"), "\(lines)")
            for line in [
                "name = \"web-1\"", "uuid = \"\(one.identity.identifier)\"", "memory = 512", "vcpus = 2",
                "vif = [ \"mac=\(one.identity.hardwareAddress)\" ]",
            ] { #expect(lines.contains(line[...]), "\(line)") }
            // Every line assigns, and its strings are closed.
            #expect(lines.allSatisfy { $0.contains(" = ") && $0.count { $0 == "\"" } % 2 == 0 })
        }
    }

    @Test(arguments: hostile) func `every hypervisor gets the seed image read-only in a CD-ROM drive`(
        _ folder: String
    ) throws {
        let one = try machine(.copy, folder: folder, hasSeedImage: true)
        let seed = try #require(one.seedImage)
        let text = try one.text(for: .kvm)
        let drive = "/domain/devices/disk[@device='cdrom']"
        #expect(try xpath("\(drive)/source/@file", text) == seed)
        #expect(try xpath("count(\(drive)/readonly)", text) == "1")
        #expect(try xpath("/domain/devices/controller[@type='scsi']/@model", text) == "virtio-scsi")
        #expect(try xpath("count(/domain/devices/disk)", text) == "2")

        let qemu = try words(
            of: "qemu_system", in: one.text(for: .qemu).replacing("qemu-system-x86_64", with: "qemu_system"))
        let path = seed.unicodeScalars.reduce(into: "") { $0 += $1 == "," ? ",," : String($1) }
        #expect(
            qemu[0].map { Array($0.utf8) }.contains(Array("file=\(path),format=raw,if=none,id=seed,readonly=on".utf8)))
        #expect(qemu[0].contains("scsi-cd,drive=seed"))

        let attach = try words(of: "VBoxManage", in: one.text(for: .virtualbox)).last
        #expect(attach?.last.map { Array($0.utf8) } == Array(seed.utf8) && attach?.contains("dvddrive") == true)

        guard !seed.contains(where: { "\"'\\".unicodeScalars.contains($0.unicodeScalars.first ?? " ") }) else { return }
        let xen = try one.text(for: .xen)
        #expect(xen.contains(", \"vdev=hdc,devtype=cdrom,access=ro,format=raw,target=\(seed)\" ]"))
    }

    @Test func `a clone without a seed image gets no drive`() throws {
        for hypervisor in Hypervisor.allCases {
            let text = try machine(.copy).text(for: hypervisor)
            #expect(!text.contains("cdrom") && !text.contains("scsi") && !text.contains("dvddrive"), "\(hypervisor)")
        }
    }

    @Test(arguments: ["/it's", "/\"q\"", "/back\\slash", "/q\"\u{301}"])
    func `a path that an xl configuration cannot hold is refused`(_ folder: String) throws {
        let error = refusal { _ = try machine(folder: folder).text(for: .xen) }
        #expect(error?.kind == .conflict && error?.description.contains("{{path}}") == true)
    }

    @Test(arguments: unspeakable) func `a path with a control character is refused by all`(_ folder: String) throws {
        for hypervisor in Hypervisor.allCases {
            let error = refusal { _ = try machine(.copy, folder: folder).text(for: hypervisor) }
            #expect(error?.kind == .conflict && error?.description.contains("{{path}}") == true, "\(hypervisor)")
        }
    }
}
