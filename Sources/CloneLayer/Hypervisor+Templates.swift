// SPDX-License-Identifier: Apache-2.0

/// The built-in templates: the least with which a machine boots from its clone and reaches a network.
extension Hypervisor {
    /// The template for clones of `backend`, which this hypervisor must be able to open.
    /// - Parameter hasSeedImage: whether the machine has a CD-ROM drive with the clone's seed image.
    package func template(for backend: CloneBackendKind, hasSeedImage: Bool = false) -> String {
        switch self {
        case .kvm: Self.domain(backend, hasSeedImage)
        case .xen: Self.xlConfiguration(backend, hasSeedImage)
        case .qemu: Self.commandLine(hasSeedImage)
        case .virtualbox: Self.manageCommands(backend, hasSeedImage)
        }
    }

    /// The whole chain is named, each with its format, and ends in an empty `backingStore`: libvirt then looks for nothing
    /// by itself. It gives a machine's disks to the user that runs qemu; of the master it must not, since it is
    /// everybody's. Without ACPI the guest gets no interrupts for its disk. The CD-ROM drive hangs on virtio, too, since kernels
    /// made for clouds have no drivers for SATA.
    private static func domain(_ backend: CloneBackendKind, _ hasSeedImage: Bool) -> String {
        let drive =
            hasSeedImage
            ? """

                <controller type='scsi' model='virtio-scsi'/>
                <disk type='file' device='cdrom'>
                  <driver name='qemu' type='raw'/>
                  <source file='{{seed}}'/>
                  <target dev='sda' bus='scsi'/>
                  <readonly/>
                </disk>
            """ : ""
        let chain =
            backend == .qcow2
            ? """
                  <backingStore type='file'>
                    <format type='raw'/>
                    <source file='{{master}}'>
                      <seclabel model='dac' relabel='no'/>
                    </source>
                    <backingStore/>
                  </backingStore>
            """ : "      <backingStore/>"
        let (type, source) = backend.isBlockDevice ? ("block", "dev") : ("file", "file")
        return """
            <domain type='kvm'>
              <name>{{name}}</name>
              <uuid>{{uuid}}</uuid>
              <memory unit='MiB'>{{memory}}</memory>
              <vcpu>{{cpus}}</vcpu>
              <os>
                <type arch='x86_64'>hvm</type>
                <boot dev='hd'/>
              </os>
              <features>
                <acpi/>
              </features>
              <devices>
                <disk type='\(type)' device='disk'>
                  <driver name='qemu' type='{{format}}'/>
                  <source \(source)='{{path}}'/>
            \(chain)
                  <target dev='vda' bus='virtio'/>
                </disk>\(drive)
                <interface type='network'>
                  <mac address='{{mac}}'/>
                  <source network='default'/>
                  <model type='virtio'/>
                </interface>
                <serial type='pty'/>
                <console type='pty'/>
                <graphics type='vnc' autoport='yes' listen='127.0.0.1'/>
                <rng model='virtio'>
                  <backend model='random'>/dev/urandom</backend>
                </rng>
              </devices>
            </domain>

            """
    }

    /// `target=` takes all that follows it, commas too, so it is last. xl gives a VHD to qemu when it finds nothing better,
    /// and qemu would read zeros: `backendtype=tap` makes it refuse instead.
    private static func xlConfiguration(_ backend: CloneBackendKind, _ hasSeedImage: Bool) -> String {
        let drive = hasSeedImage ? #", "vdev=hdc,devtype=cdrom,access=ro,format=raw,target={{seed}}""# : ""
        let opener =
            switch backend {
            case .qcow2: "backendtype=qdisk,"
            case .vhd: "backendtype=tap,"
            case .reflink, .copy, .dmSnapshot, .dmThin, .lvm, .lvmThin: ""
            }
        return """
            name = "{{name}}"
            uuid = "{{uuid}}"
            type = "hvm"
            memory = {{memory}}
            vcpus = {{cpus}}
            boot = "c"
            disk = [ "vdev=hda,access=rw,format={{format}},\(opener)target={{path}}"\(drive) ]
            vif = [ "mac={{mac}}" ]
            serial = "pty"
            vnc = 1
            vnclisten = "127.0.0.1"

            """
    }

    /// KVM where there is one. The network is qemu's own, behind the host's address.
    private static func commandLine(_ hasSeedImage: Bool) -> String {
        let drive =
            hasSeedImage
            ? #"""
              -drive file={{seed}},format=raw,if=none,id=seed,readonly=on \
              -device virtio-scsi-pci -device scsi-cd,drive=seed \

            """# : ""
        return #"""
            qemu-system-x86_64 -name guest={{name}} -uuid {{uuid}} \
              -machine q35,accel=kvm:tcg -m {{memory}} -smp {{cpus}} \
              -drive file={{path}},format={{format}},if=virtio \
            \#(drive)  -nic user,model=virtio-net-pci,mac={{mac}} -device virtio-rng-pci

            """#
    }

    /// VirtualBox attaches no raw file, only a small VMDK that names it, and a differencing disk only when it knows of the
    /// parent.
    private static func manageCommands(_ backend: CloneBackendKind, _ hasSeedImage: Bool) -> String {
        let drive =
            hasSeedImage
            ? """
            VBoxManage storageattach {{name}} --storagectl SATA --port 1 --device 0 --type dvddrive --medium {{seed}}

            """ : ""
        let (opening, medium) =
            backend == .vhd
            ? ("VBoxManage showmediuminfo disk {{master}}", "{{path}}")
            : (
                "VBoxManage internalcommands createrawvmdk -filename ./{{name}}.vmdk -rawdisk {{path}}",
                "./{{name}}.vmdk"
            )
        return """
            VBoxManage createvm --name {{name}} --uuid {{uuid}} --ostype Other_64 --register
            VBoxManage modifyvm {{name}} --memory {{memory}} --cpus {{cpus}} --ioapic on --nic1 nat --macaddress1 {{mac}}
            VBoxManage storagectl {{name}} --name SATA --add sata --portcount \(hasSeedImage ? 2 : 1)
            \(opening)
            VBoxManage storageattach {{name}} --storagectl SATA --port 0 --device 0 --type hdd --medium \(medium)
            \(drive)
            """
    }
}
