// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// docs/operating/first-fleet.md, word for word.
    @Suite struct FirstFleet {
        private static let page =
            "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/operating/first-fleet.md"

        /// The page's commands in their order, as one script.
        private func script() throws -> String {
            var lines = ["set -euxo pipefail"]
            var isCommand = false
            for line in String(decoding: try readFile(Self.page), as: UTF8.self).split(separator: "\n") {
                if line.hasPrefix("```") {
                    isCommand = line == "```sh"
                } else if isCommand {
                    lines.append(String(line))
                }
            }
            return lines.joined(separator: "\n")
        }

        @Test func `its commands do what it says`() async throws {
            let folder = try TemporaryDirectory()
            let guest = BootSector.says("debian login: ")
            try writeFile(guest.image, to: "\(folder.path)/debian.raw")
            try await tool("qemu-img convert -f raw -O qcow2 \(folder.path)/debian.raw \(folder.path)/debian.qcow2")
            let script = try script().replacing("6970", with: try await freePort())
            #expect(script.split(separator: "\n").count { $0.contains("drover") } > 25)
            let programs = Program.drover.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            // A group of its own, of which nothing is left when the test ends.
            let shell = try ChildProcess(
                "bash", ["-c", "cd \(folder.path)\nPATH=\(programs):$PATH\n\(script)"], environment: [:])
            defer { shell.kill() }
            let finished = try await shell.finished(within: .seconds(400))
            guard finished.status == 0 else {
                let log = (try? readFile("\(folder.path)/tracker.log")).map { String(decoding: $0, as: UTF8.self) }
                throw TestFailure("\(finished)\n\(log ?? "")")
            }
            for words in [
                "it waits for somebody: 5", "rollout  1", "3 healthy", "master   debian@1", "canaries  h1",
            ] {
                #expect(finished.output.contains(words), "\(words) in \(finished)")
            }
        }
    }
}
