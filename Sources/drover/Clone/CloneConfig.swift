// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import ImageStore
import PeerService

struct CloneConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print the configuration of a VM that has a clone as its disk.",
        discussion: """
            kvm gives a libvirt domain XML, xen an xl.cfg, qemu a command line, virtualbox VBoxManage commands. Nothing \
            is started or defined. The VM's name is the clone's; its MAC address and UUID are made of the host, the store \
            and the clone's name, so that printing again describes the same VM.

              drover clone config web-1 --for kvm > web-1.xml && virsh define web-1.xml
              drover clone config web-1 --for xen --memory 2048 > web-1.cfg
              drover clone config web-1 --for qemu | sh
              drover clone config web-1 --for kvm --template site.xml --cpus 4

            A template is plain text with {{name}}, {{path}}, {{format}}, {{master}}, {{memory}} (MiB), {{cpus}}, {{mac}}, \
            {{uuid}} and, for a clone with a seed image, {{seed}}. Values are escaped for the hypervisor's language: in XML and xl.cfg put your own quotes around \
            them, in commands none.

            Not every hypervisor opens every clone: kvm and qemu no vhd, in which they would read zeros, virtualbox no \
            qcow2. docs/operating/hypervisors.md says more.
            """)

    /// Templates are small; whoever names an image by mistake is told so.
    private static let longestTemplate = 1 << 20

    @Argument(help: ArgumentHelp("The clone's name.", valueName: "clone"), completion: LiveNames.clones)
    var clone: String

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("Who runs the VM: kvm, xen, qemu or virtualbox.", valueName: "hypervisor"))
    var hypervisor: String

    @Option(
        help: ArgumentHelp("Your own template instead of the built-in one.", valueName: "file"), completion: .file())
    var template: String?

    @Option(help: ArgumentHelp("The VM's memory in MiB. (default: 1024)", valueName: "mib"))
    var memory: Int?

    @Option(help: ArgumentHelp("The VM's CPUs. (default: 1)", valueName: "n"))
    var cpus: Int?

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let order = HostRequest.ConfigureClone(
            clone: clone, hypervisor: hypervisor, template: try template.map(Self.read), memory: memory,
            processors: cpus)
        guard case .configuration(let text) = try await store.ask(.configureClone(order)) else {
            throw HostFailure.unexpectedReply
        }
        // Printing ends the last line by itself.
        let scalars = text.unicodeScalars
        Terminal.data(String(scalars.last == "\n" ? scalars.dropLast() : scalars[...]))
    }

    private static func read(_ path: String) throws -> String {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try PosixFiles().contents(of: StoreLayout.resolve(path), limit: longestTemplate)
        } catch {
            switch error.cause {
            case .notFound: throw HostFailure(.notFound, "there is no template at \(path); check the path")
            case .tooLarge:
                throw HostFailure(.usage, "\(path) is larger than 1 MiB and so no template; check the path")
            default: throw HostFailure(.failed, "the template cannot be read: \(error)")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HostFailure(.usage, "\(path) is not text in UTF-8 and so no template; check the path")
        }
        return text
    }
}
