// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Kills {
        private static let count = 20
        private static let master = "big@1"

        /// Twenty hosts fetch one image together; the n-th is killed when n twenty-firsts of it are verified there. The
        /// seed is made slow by stopping and continuing it, so that the fetch lasts long enough to be in the journal.
        @Test(.timeLimit(.minutes(4)))
        func `a fetch that is killed at any of twenty points goes on by itself and ends byte-identical`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish(
                    Self.master, in: "seed", mebibytes: 48, options: "--piece-length 262144")
                let seed = try await fleet.peer("seed")
                var hosts: [FleetPeer] = []
                for number in 1...Self.count { hosts.append(try await fleet.peer("host\(number)")) }
                let brake = Task { try await Self.slowDown(seed.process) }
                defer { brake.cancel() }
                for host in hosts {
                    try await droverDoes("master fetch big --clone vm --count 2 --store \(host.store)")
                }
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for (number, host) in hosts.enumerated() {
                        group.addTask { try await Self.killAndResume(host, number + 1, image, fleet) }
                    }
                    var promises = 0
                    for try await hadPromise in group where hadPromise { promises += 1 }
                    // The test means little unless many were killed with something in their journals.
                    #expect(promises >= Self.count / 2)
                }
            }
        }

        /// - Returns: whether the journal spoke of anything at the kill.
        private static func killAndResume(
            _ host: FleetPeer, _ number: Int, _ image: String, _ fleet: Fleet
        ) async throws -> Bool {
            let size = Int64(48 << 20)
            try await host.verified(master, bytes: size / Int64(count + 1) * Int64(number))
            host.process.kill()
            let promised = try await StatusDocument(json: drover("status --format json --store \(host.store)").output)
                .master(master)?.bytesVerified
            let promise = try #require(promised, "\(number)")
            let resumed = try await host.restart()
            let entry = try #require(resumed.master(master), "\(number)")
            #expect(entry.bytesVerified >= promise, "\(number)")

            let done = try await host.registered(master, within: .seconds(120))
            #expect(done.received <= size - promise, "\(number): what was promised is not fetched again")
            #expect(try bytesRead(host.process) < Int(done.received) + 24 << 20, "\(number): nothing is hashed again")
            #expect(try await areIdentical(image, host.master(master)), "\(number)")
            for clone in 1...2 {
                let path = "\(host.store)/clones/vm-\(clone).qcow2"
                try await eventually("\(path) is made") { access(path, F_OK) == 0 }
                try await tool("qemu-img compare -q -F raw -f qcow2 \(path) \(image)")
            }
            return promise > 0
        }

        /// Lets a process run a twentieth of the time.
        private static func slowDown(_ process: ChildProcess) async throws {
            while !Task.isCancelled {
                process.signal(SIGSTOP)
                try await Task.sleep(for: .milliseconds(190))
                process.signal(SIGCONT)
                try await Task.sleep(for: .milliseconds(10))
            }
        }

        /// Bytes a process has read from anywhere.
        private static func bytesRead(_ process: ChildProcess) throws -> Int {
            let text = String(decoding: try readFile("/proc/\(process.identifier)/io"), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("rchar: ") }
            return try #require(line.flatMap { Int($0.dropFirst("rchar: ".count)) })
        }
    }
}
