// SPDX-License-Identifier: Apache-2.0

import CloneBench
import TestSupport
import Testing

@Suite struct GuestTests {
    private static let cases: [IOCase] = [.randomReadFirst, .randomReadAgain]

    private static let script = GuestScript(
        cases.map {
            FioJob(ioCase: $0, target: .path("/dev/vda"), size: 128 << 20, seconds: 5, byteLimit: nil)
        })

    private static func part(_ status: Int, _ text: String) -> String {
        "drover-case-begin \(status)\r\n\(text)\r\ndrover-case-end\r\n"
    }

    private static func report(_ rate: Double) -> String {
        """
        {"jobs": [{"error": 0, "read": {"io_bytes": 8192, "bw_bytes": 4096, "iops": \(rate)},
        "write": {"io_bytes": 0, "bw_bytes": 0, "iops": 0}}]}
        """
    }

    @Test func `a case that repeats another ends after as many bytes`() {
        let runs = Self.script.text.split(separator: "\n").filter { $0.hasPrefix("run '") }
        #expect(runs.map { $0.hasSuffix(" --io_size=$bytes") } == [false, true])
        #expect(runs.allSatisfy { $0.contains("'--filename=/dev/vda'") && $0.contains("'--direct=1'") })
    }

    @Test func `the rates of all cases are read`() throws {
        let output = "fio says\n" + Self.part(0, Self.report(1.5)) + Self.part(0, Self.report(2.5))
        let rates = try Self.script.rates(in: output)
        #expect(rates.map(\.0) == Self.cases)
        #expect(rates.map(\.1) == [1.5, 2.5])
    }

    @Test func `a guest that did not get to the end, or whose fio failed, gives no figures`() {
        let good = Self.part(0, Self.report(1.5))
        for (output, reason) in [
            ("", "after 0 of 2 cases"), (good, "after 1 of 2 cases"),
            (good + "drover-case-begin 0\n{\"jobs\"", "after 1 of 2 cases"),
            (good + Self.part(1, "fio: first\nfio: /dev/vda: no such device"), "no such device"),
        ] {
            let error = #expect(throws: BenchError.self) { try Self.script.rates(in: output) }
            #expect(error?.description.contains(reason) == true, "\(error?.description ?? "none")")
        }
        let full = #expect(throws: BenchError.self) {
            try Self.script.rates(in: Self.part(1, "fio: No space left on device") + good)
        }
        #expect(full?.kind == .noSpace)
    }

    @Test func `modules come after what they need, and those built in are left out`() {
        let index = """
            kernel/drivers/virtio/virtio.ko:
            kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
            kernel/drivers/block/virtio-blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
            kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko
            """
        let files = GuestKernel.files(of: ["virtio_pci", "virtio_blk"], in: index)
        #expect(files.map { $0.split(separator: "/").last } == ["virtio.ko", "virtio_ring.ko", "virtio-blk.ko.xz"])
    }

    @Test func `a kernel is refused with what to do about it`() throws {
        let folder = try TemporaryDirectory()
        for path in ["\(folder.path)/boot/vmlinuz-1", folder.path] {
            let error = #expect(throws: BenchError.self) { try GuestKernel(path) }
            #expect(error?.description.contains("linux-image-amd64") == true)
        }
    }

    /// As the kernel's documentation has it: a header of 110 bytes in ASCII, names and contents padded to 4.
    @Test func `an archive has each folder once, before what is in it`() {
        var archive = CpioArchive()
        archive.add("lib/a/x", [1, 2, 3], mode: 0o755)
        archive.add("/lib/a/y", [4])
        let bytes = archive.finished()
        #expect(bytes.count % 4 == 0)
        var names: [String] = []
        var offset = 0
        while offset + 110 <= bytes.count {
            let header = String(decoding: bytes[offset..<offset + 110], as: UTF8.self)
            #expect(header.hasPrefix("070701"))
            func field(_ number: Int) -> Int {
                Int(header.dropFirst(6 + 8 * number).prefix(8), radix: 16) ?? -1
            }
            let (length, name) = (field(6), field(11))
            names.append(String(decoding: bytes[offset + 110..<offset + 110 + name - 1], as: UTF8.self))
            if names.last == "lib/a/x" {
                #expect(field(1) == 0o100_755 && length == 3)
                let content = (offset + 110 + name + 3) / 4 * 4
                #expect(Array(bytes[content..<content + 3]) == [1, 2, 3])
            }
            offset = ((offset + 110 + name + 3) / 4 * 4 + length + 3) / 4 * 4
        }
        #expect(names == ["lib", "lib/a", "lib/a/x", "lib/a/y", "TRAILER!!!"])
    }
}
