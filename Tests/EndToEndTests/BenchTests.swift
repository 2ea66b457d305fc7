// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `drover bench clones`, small: that its result is whole, and that nothing is left of it.
    @Suite struct BenchClones {
        private static let quick = ["--size", "64M", "--seconds", "1"]

        @Test func `every backend is measured on XFS, and nothing is left`() async throws {
            try await LoopDevice.withFileSystem { folder in
                let results = try TemporaryDirectory()
                let (json, chart) = ("\(results.path)/result.json", "\(results.path)/chart.html")
                let finished = try await bench(
                    folder,
                    ["--backend", "qcow2,reflink,copy,vhd", "--repeat", "2", "--clones", "5", "--json", json]
                        + ["--chart", chart, "--format", "json"])
                #expect(finished.status == 0, "\(finished)")
                try await expectNothing(in: folder)

                let report = try JSONDecoder().decode(Report.self, from: Data(finished.output.utf8))
                #expect(try readFile(json) == Array(finished.output.utf8))
                #expect(report.absent.isEmpty)
                let clones = ["qcow2", "reflink", "copy", "vhd"]
                #expect(report.subjects.map(\.name) == ["raw-file", "raw-file-without-export", "sparse-file"] + clones)
                for subject in report.subjects {
                    #expect(subject.creation?.count == (clones.contains(subject.name) ? 5 : nil), "\(subject.name)")
                    #expect((subject.obstacle != nil) == (subject.name == "vhd"))
                    #expect(subject.figures.count == (subject.name == "vhd" ? 0 : 6), "\(subject.name)")
                    for figure in subject.figures {
                        #expect(figure.values.count == 2 && figure.values.allSatisfy { $0 > 0 }, "\(subject.name)")
                    }
                }
                // A copy takes the master's data, an overlay next to nothing.
                let bytes = Dictionary(uniqueKeysWithValues: report.subjects.map { ($0.name, $0.bytes) })
                #expect((bytes["copy"] ?? nil).map { (32 << 20..<36 << 20).contains($0) } == true, "\(bytes)")
                for name in ["qcow2", "reflink", "vhd"] {
                    #expect((bytes[name] ?? nil).map { $0 < 1 << 20 } == true, "\(bytes)")
                }
                #expect(Set(report.recommendation.backends).isSubset(of: ["qcow2", "reflink"]))
                #expect(!report.recommendation.backends.isEmpty)
                #expect(report.loads.count == 2)

                let page = String(decoding: try readFile(chart), as: UTF8.self)
                #expect(page.hasSuffix("</html>\n"))
                for name in clones { #expect(page.contains(">\(name)</text>"), "\(name)") }
                try await expectWellFormed(page)
            }
        }

        @Test func `the table names what could not be measured`() async throws {
            let folder = try TemporaryDirectory()
            let finished = try await bench(
                folder.path, ["--backend", "qcow2,reflink", "--repeat", "1", "--clones", "1"])
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("reflink was not measured: the file system"))
            #expect(finished.output.contains("Use qcow2 on this host"))
            #expect(finished.lines.filter { $0.contains("raw file, no export") }.count == 6)
            try await expectNothing(in: folder.path)
        }

        @Test func `an interruption leaves neither files nor processes`() async throws {
            let folder = try TemporaryDirectory()
            let run = try await started(in: folder.path)
            run.signal(SIGINT)
            let finished = try await run.finished(within: .seconds(60))
            #expect(finished.status == 130, "\(finished)")
            try await expectNothing(in: folder.path)
        }

        @Test func `what a killed run left is cleared by the next one`() async throws {
            let folder = try TemporaryDirectory()
            let run = try await started(in: folder.path)
            run.kill()
            // They end by themselves after a while; the next run does not wait for that.
            for child in processes(in: folder.path) { Glibc.kill(child, SIGKILL) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["drover-bench"])
            let next = try await bench(folder.path, ["--backend", "qcow2", "--repeat", "1", "--clones", "1"])
            #expect(next.status == 0, "\(next)")
            try await expectNothing(in: folder.path)
        }

        @Test func `a folder of its name that it did not make is left alone`() async throws {
            let folder = try TemporaryDirectory()
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/drover-bench", withIntermediateDirectories: false)
            try Data("results".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/drover-bench/kept"))
            try await droverRefuses(
                "bench clones --folder \(folder.path) --size 64M", with: 5, saying: "drover-bench is there already")
            #expect(try String(contentsOfFile: "\(folder.path)/drover-bench/kept", encoding: .utf8) == "results")
        }

        @Test func `two runs in one folder are refused`() async throws {
            let folder = try TemporaryDirectory()
            let run = try await started(in: folder.path)
            try await droverRefuses(
                "bench clones --folder \(folder.path) --size 64M", with: 5, saying: "process \(run.identifier)")
            run.signal(SIGTERM)
            #expect(try await run.finished(within: .seconds(60)).status == 130)
            try await expectNothing(in: folder.path)
        }

        @Test func `what cannot be asked for is refused before anything is made`() async throws {
            let folder = try TemporaryDirectory()
            let base = "bench clones --folder \(folder.path) --size 64M"
            try await droverRefuses("bench clones --folder \(folder.path)/none", with: 3, saying: "--folder")
            try await droverRefuses("bench clones --folder \(folder.path) --size 16T", with: 9, saying: "--size")
            try await droverRefuses("\(base) --backend auto", with: 2, saying: "auto")
            try await droverRefuses("\(base) --backend tape", with: 2, saying: "qcow2")
            try await droverRefuses("\(base) --chart \(folder.path)/none/chart.html", with: 2, saying: "chart.html")
            try await droverRefuses("\(base) --json \(folder.path)", with: 2, saying: folder.path)
            try await droverRefuses("\(base) --partition \(folder.path)/none", with: 3, saying: "none")
            try await droverRefuses("\(base) --partition /dev/null", with: 2, saying: "no block device")
            let misplaced = try await drover("\(base) --kernel /boot/vmlinuz")
            #expect(misplaced.status == 2 && misplaced.errors.contains("--in-guest"), "\(misplaced)")
            try await droverRefuses(
                "\(base) --in-guest --kernel \(folder.path)/none", with: 3, saying: "linux-image-amd64")
            try await expectNothing(in: folder.path)
        }

        @Test func `a partition is overwritten only when it is free, large enough and meant`() async throws {
            let folder = try TemporaryDirectory()
            try await LoopDevice.with(bytes: 64 << 20) { device in
                let base = "bench clones --folder \(folder.path) --backend qcow2 --repeat 1 --clones 1 --seconds 1"
                try await tool("mkfs.ext4 -q \(device)")
                try await droverRefuses("\(base) --size 128M --partition \(device)", with: 2, saying: "larger")
                try await droverRefuses("\(base) --size 64M --partition \(device)", with: 5, saying: "ext4")
                let mount = try TemporaryDirectory()
                try await tool("mount \(device) \(mount.path)")
                let refused = try await drover("\(base) --size 64M --partition \(device) --overwrite")
                try await tool("umount \(mount.path)")
                #expect(refused.status == 5, "\(refused)")
                expectOneSentence(refused.errors, saying: "in use")

                let finished = try await bench(
                    folder.path,
                    ["--backend", "qcow2", "--repeat", "1", "--clones", "1", "--partition", device, "--overwrite"])
                #expect(finished.status == 0, "\(finished)")
                // Through the export, and without it.
                #expect(finished.lines.filter { $0.contains(device) }.count == 12, "\(finished)")
                let probe = try await ChildProcess.run("blkid", ["--probe", device])
                #expect(probe.status == 2, "the file system is gone")
            }
            try await expectNothing(in: folder.path)
        }

        // MARK: Running

        private func bench(_ folder: String, _ arguments: [String]) async throws -> ChildProcess.Finished {
            try await ChildProcess.run(
                Program.drover, ["bench", "clones", "--folder", folder] + Self.quick + arguments,
                within: .seconds(240))
        }

        /// A run that is long enough to be met while an image is served.
        private func started(in folder: String) async throws -> ChildProcess {
            let run = try ChildProcess(
                Program.drover,
                ["bench", "clones", "--folder", folder, "--size", "256M", "--seconds", "30", "--repeat", "9"])
            try await eventually("an image is served", every: .milliseconds(5)) {
                if run.exitStatus != nil { throw TestFailure("too late: \(run.errors)") }
                return access("\(folder)/drover-bench/nbd.sock", F_OK) == 0
            }
            return run
        }

        private func expectNothing(
            in folder: String, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder) == [], sourceLocation: sourceLocation)
            // fio's own children see that it is gone a moment later.
            try await eventually("nobody works in \(folder) any more") { processes(in: folder).isEmpty }
        }

        /// Whoever works below a folder, even after it is gone.
        private func processes(in folder: String) -> [pid_t] {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return entries.compactMap { pid_t($0) }.filter { process in
                let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
                return place?.hasPrefix(folder) ?? false
            }
        }

        /// Every picture in a page is XML, judged by xmllint.
        private func expectWellFormed(_ page: String) async throws {
            let folder = try TemporaryDirectory()
            let pictures = page.components(from: "<svg", through: "</svg>")
            #expect(pictures.count == 5)
            for picture in pictures {
                let path = "\(folder.path)/picture.svg"
                try writeFile(Array(picture.utf8), to: path)
                try await tool("xmllint", ["--noout", path])
            }
        }

        /// What the tests look at in the JSON.
        private struct Report: Decodable {
            struct Creation: Decodable { let count: Int }
            struct Figure: Decodable { let values: [Double] }
            struct Subject: Decodable {
                let name: String
                let creation: Creation?
                let bytes: Int?
                let figures: [Figure]
                let obstacle: String?
            }
            struct Absent: Decodable { let name: String }
            struct Recommendation: Decodable { let backends: [String] }
            struct Load: Decodable { let before: Double }
            let subjects: [Subject]
            let absent: [Absent]
            let loads: [Load]
            let recommendation: Recommendation
        }
    }
}

extension String {
    /// The parts that begin and end with these words.
    fileprivate func components(from start: String, through end: String) -> [Substring] {
        ranges(of: start).compactMap { begin in
            self[begin.lowerBound...].firstRange(of: end).map { self[begin.lowerBound..<$0.upperBound] }
        }
    }
}

/// A loop device for the length of a test.
enum LoopDevice {
    static func with(bytes: Int, _ body: (String) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        let file = "\(folder.path)/device"
        try await tool("truncate", ["-s", "\(bytes)", file])
        let device = try await tool("losetup --find --show \(file)").split(separator: "\n").first.map(String.init)
        guard let device else { throw TestFailure("losetup names no device") }
        do { try await body(device) } catch {
            _ = try? await tool("losetup --detach \(device)")
            throw error
        }
        try await tool("losetup --detach \(device)")
    }

    /// With XFS on it, mounted.
    static func withFileSystem(_ body: (String) async throws -> Void) async throws {
        try await with(bytes: 512 << 20) { device in
            let mount = try TemporaryDirectory()
            try await tool("mkfs.xfs -q -m reflink=1 \(device)")
            try await tool("mount \(device) \(mount.path)")
            do { try await body(mount.path) } catch {
                _ = try? await tool("umount \(mount.path)")
                throw error
            }
            try await tool("umount \(mount.path)")
        }
    }
}
