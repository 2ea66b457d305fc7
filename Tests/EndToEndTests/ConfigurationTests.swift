// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// What `clone config` prints is taken by those it is for.
    @Suite struct Configurations {
        /// A store with a master base@1 and the clones web (qcow2), raw (copy) and far (vhd).
        private func store(_ fleet: Fleet, _ name: String = "store") async throws -> String {
            let image = try makeImage(fleet.path("base.raw"), mebibytes: 2)
            let store = fleet.path(name)
            for words in [
                "master create \(image) --name base --version 1", "clone create base web",
                "clone create base raw --backend copy",
                "clone create base far --backend vhd",
            ] { try await run(words, store) }
            return store
        }

        /// Runs `drover` on a store whose path may have blanks.
        @discardableResult
        private func run(_ words: String, _ store: String) async throws -> String {
            try await tool(Program.drover, words.split(separator: " ").map(String.init) + ["--store", store])
        }

        @Test(arguments: ["store", "it's <a> & \"b\", c"])
        func `libvirt's schema takes every domain`(_ name: String) async throws {
            try await Fleet.run { fleet in
                let store = try await store(fleet, name)
                for clone in ["web", "raw"] {
                    let path = fleet.path("\(clone).xml")
                    let text = try await run("clone config \(clone) --for kvm --memory 2048 --cpus 2", store)
                    try writeFile(Array(text.utf8), to: path)
                    try await tool("virt-xml-validate", [path, "domain"])
                    #expect(text.hasPrefix("<domain ") && text.hasSuffix("</domain>\n"))
                }
                // The judge is awake.
                let wrong = fleet.path("wrong.xml")
                let text = try await run("clone config web --for kvm", store).replacing("dac", with: "</x>")
                try writeFile(Array(text.utf8), to: wrong)
                #expect(try await ChildProcess.run("virt-xml-validate", [wrong, "domain"]).status != 0)
            }
        }

        @Test(arguments: [("web", "store"), ("raw", "store"), ("web", "it's a store, $HOME")])
        func `the printed command line starts qemu on the clone`(_ clone: String, _ name: String) async throws {
            try await Fleet.run { fleet in
                let store = try await store(fleet, name)
                let text = try await run("clone config \(clone) --for qemu --memory 64", store)
                let disk = "\(store)/clones/\(clone).\(clone == "web" ? "qcow2" : "raw")"
                let command = String(text.dropLast())
                try await VirtualMachine(fleet, command: command, disk: disk).kill()
            }
        }

        @Test func `every configuration is the same beside a running peer and without one`() async throws {
            try await Fleet.run { fleet in
                let store = try await store(fleet)
                let template = fleet.path("own.txt")
                try writeFile(Array("{{name}}|{{format}}|{{master}}|{{mac}}|{{uuid}}\n".utf8), to: template)
                let orders = [
                    "web --for kvm", "web --for xen", "web --for qemu", "raw --for virtualbox", "far --for xen",
                    "far --for virtualbox", "web --for kvm --template \(template)",
                ]
                var outputs: [[String]] = []
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    var output: [String] = []
                    for order in orders { output.append(try await run("clone config \(order)", store)) }
                    outputs.append(output)
                    peer?.process.kill()
                }
                #expect(outputs[0] == outputs[1] && Set(outputs[0]).count == orders.count)
                let own = outputs[0][6]
                #expect(own.hasPrefix("web|qcow2|\(store)/masters/base@1.raw|52:") && own.hasSuffix("\n"))
            }
        }

        @Test func `what cannot be configured is refused with a reason`() async throws {
            try await Fleet.run { fleet in
                let store = try await store(fleet)
                let (wrong, image) = (fleet.path("wrong"), fleet.path("base.raw"))
                try writeFile(Array("<x>{{disk}}</x>\n".utf8), to: wrong)
                for isRunning in [false, true] {
                    let peer = isRunning ? try await fleet.peer("store") : nil
                    for (order, status, part) in [
                        ("far --for qemu", 5, "would read zeros"), ("far --for kvm", 5, "would read zeros"),
                        ("far --for qemu --template \(wrong)", 5, "would read zeros"),
                        ("web --for virtualbox", 5, "--backend"), ("web --for hyperv", 2, "kvm, xen, qemu, virtualbox"),
                        ("none --for kvm", 3, "clone list"), ("web --for kvm --memory 1", 2, "memory"),
                        ("web --for kvm --cpus 0", 2, "CPUs"), ("web --for kvm --template \(wrong)", 2, "{{disk}}"),
                        ("web --for kvm --template \(wrong)-too", 3, "template"),
                        ("web --for kvm --template \(image)", 2, "template"), ("we/b --for kvm", 2, "name"),
                    ] as [(String, Int32, String)] {
                        try await droverRefuses("clone config \(order) --store \(store)", with: status, saying: part)
                    }
                    peer?.process.kill()
                }
                try await tool("rm \(store)/clones/web.qcow2")
                try await droverRefuses("clone config web --for kvm --store \(store)", with: 5, saying: "missing")
            }
        }
    }
}
