// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What comes with the programs: units, example configuration, the way it is installed.
    @Suite struct Installed {
        private static let deploy = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/deploy"

        @Test(arguments: ["drover-peer", "drover-tracker"])
        func `a service that the network reaches can do little else`(_ unit: String) async throws {
            // The threshold is the exposure level times ten.
            let found = try await ChildProcess.run(
                "systemd-analyze",
                [
                    "security", "--offline=true", "--threshold=25", "--no-pager",
                    "\(Self.deploy)/systemd/\(unit).service",
                ])
            #expect(found.status == 0, "\(found)")
        }

        /// Every line of options that an example gives, also as a remark, is one that the program takes.
        @Test(arguments: ["peer", "tracker"])
        func `the example configurations are taken`(_ service: String) async throws {
            let text = String(decoding: try readFile("\(Self.deploy)/config/\(service).env"), as: UTF8.self)
            let name = "DROVER_\(service.uppercased())_OPTIONS="
            let examples = text.split(separator: "\n").compactMap { line -> String? in
                let line = line.drop { $0 == "#" }
                return line.hasPrefix(name) ? String(line.dropFirst(name.count)) : nil
            }
            #expect(examples.count >= 3)
            let folder = try TemporaryDirectory()
            try writeFile([], to: "\(folder.path)/file")
            for example in examples {
                let words = example.split(separator: " ").map(String.init)
                // It gets as far as its store, which cannot be one.
                let finished =
                    service == "peer"
                    ? try await ChildProcess.run(
                        Program.drover, ["peer", "run"] + words + ["--store", "\(folder.path)/file"])
                    : try await ChildProcess.run(
                        Program.tracker, ["run"] + words + ["--database", "\(folder.path)/file/database"])
                #expect(finished.status != 0 && finished.status != 2, "\(example): \(finished)")
                let wrong = try await ChildProcess.run(
                    service == "peer" ? Program.drover : Program.tracker,
                    (service == "peer" ? ["peer", "run"] : ["run"]) + words + ["--no-such-option"])
                #expect(wrong.status == 2, "\(wrong)")
            }
        }

        @Test func `what is installed runs, and an administrator's configuration stays`() async throws {
            let folder = try TemporaryDirectory()
            func install(_ prefix: String) async throws -> ChildProcess.Finished {
                try await ChildProcess.run(
                    "\(Self.deploy)/install", [prefix], environment: ["DESTDIR": folder.path], within: .seconds(120))
            }
            #expect(try await install("relative").status == 2)
            let first = try await install("/opt/drover")
            try #require(first.status == 0, "\(first)")
            for program in ["drover", "drover-tracker"] {
                let path = "\(folder.path)/opt/drover/bin/\(program)"
                #expect(try await ChildProcess.run(path, ["--help"]).status == 0)
                // Swift's libraries are within, so that a host needs no toolchain.
                let libraries = try await ChildProcess.run("ldd", [path])
                #expect(libraries.status == 0 && !libraries.output.contains("swift"), "\(libraries)")
            }
            let units = "\(folder.path)/opt/drover/lib/systemd/system"
            let peer = String(decoding: try readFile("\(units)/drover-peer.service"), as: UTF8.self)
            #expect(peer.contains("\nExecStart=/opt/drover/bin/drover peer run"))
            for shell in [
                "bash-completion/completions/drover", "zsh/site-functions/_drover",
                "fish/vendor_completions.d/drover.fish",
            ] {
                #expect(try !readFile("\(folder.path)/opt/drover/share/\(shell)").isEmpty)
            }

            let configuration = "\(folder.path)/etc/drover/peer.env"
            try writeFile(Array("DROVER_PEER_OPTIONS=--tracker http://mine:1/announce\n".utf8), to: configuration)
            let again = try await install("/opt/drover")
            #expect(again.status == 0, "\(again)")
            #expect(String(decoding: try readFile(configuration), as: UTF8.self).contains("mine"))
        }
    }
}
