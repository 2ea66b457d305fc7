// SPDX-License-Identifier: Apache-2.0

import CloneBench
import Testing

@Suite struct JobTests {
    private static func job(
        _ ioCase: IOCase, _ target: FioJob.Target = .socket("nbd.sock"), byteLimit: Int64? = nil
    ) -> FioJob {
        FioJob(ioCase: ioCase, target: target, size: 128 << 20, seconds: 5, byteLimit: byteLimit)
    }

    @Test func `writes end with a flush, devices are opened past the page cache`() {
        for ioCase in IOCase.allCases {
            let arguments = Self.job(ioCase, .path("/dev/mapper/a:b")).arguments
            #expect(arguments.contains("--end_fsync=1") == ioCase.isWrite)
            #expect(arguments.contains("--direct=1"))
            #expect(arguments.contains("--filename=/dev/mapper/a\\:b"))
        }
    }

    @Test func `a case that repeats another does the same blocks`() {
        let first = Self.job(.randomWriteFirst).arguments
        let again = Self.job(.randomWriteAgain, byteLimit: 4096).arguments
        #expect(again == first + ["--io_size=4096"])
    }

    @Test func `fio's report is read, whatever comes before it`() throws {
        let report = """
            fio: connected to NBD server
            {"jobs": [{"error": 0, "read": {"io_bytes": 8192, "bw_bytes": 4096, "iops": 1.5},
            "write": {"io_bytes": 0, "bw_bytes": 0, "iops": 0}}]}
            """
        #expect(try Self.job(.randomReadFirst).outcome(of: report).rate == 1.5)
        #expect(try Self.job(.sequentialRead).outcome(of: report).rate == 4096)
        #expect(try Self.job(.sequentialRead).outcome(of: report).bytes == 8192)
    }

    @Test(arguments: ["", "no report", "{}", "{\"jobs\": []}"])
    func `what is no report is refused`(text: String) {
        #expect(throws: BenchError.self) { try Self.job(.sequentialRead).outcome(of: text) }
    }

    @Test func `nothing measured is an error and never a zero`() {
        let report = """
            {"jobs": [{"error": 0, "read": {"io_bytes": 0, "bw_bytes": 0, "iops": 0},
            "write": {"io_bytes": 0, "bw_bytes": 0, "iops": 0}}]}
            """
        #expect(throws: BenchError.self) { try Self.job(.sequentialRead).outcome(of: report) }
    }

    @Test func `an export names formats and passes the page cache by`() throws {
        let image = DiskImage(path: "/store/a,b \"c\".qcow2", format: .qcow2(backing: "/store/master"))
        let arguments = try ImageExport(image).arguments()
        let node = try #require(arguments.dropFirst().first)
        #expect(node.contains(#""filename":"/store/a,b \"c\".qcow2""#))
        #expect(node.contains(#""backing":{"driver":"raw""#))
        #expect(node.components(of: #""cache":{"direct":true}"#) == 2)
        #expect(arguments.suffix(2) == ["--monitor", "monitor"])
    }

    @Test func `a device is opened as one, and nothing else is`() throws {
        let device = try DiskImage(path: "/dev/dm-0", format: .device).blockdev()
        #expect(device.contains(#""driver":"host_device","filename":"/dev/dm-0""#))
        #expect(device.contains(#""cache":{"direct":true}"#))
        #expect(try !DiskImage(path: "/dev/dm-0", format: .raw).blockdev().contains("host_device"))
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
