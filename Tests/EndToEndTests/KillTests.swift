// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Kills {
        private static let count = 20
        private static let master = "big@1"
        /// Twice as long as it takes until what was verified is also recorded, and longer.
        private static let duration = Duration.seconds(15)

        /// Twenty hosts fetch one image together; the n-th is killed when n twenty-firsts of it are verified there. The
        /// seed is made slow by stopping and continuing it, so that the fetch lasts long enough to be in the journal.
        @Test(.timeLimit(.minutes(4)))
        func `a fetch that is killed at any of twenty points goes on by itself and ends byte-identical`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish(
                    Self.master, in: "seed", mebibytes: 48, options: "--piece-length 262144", namesTracker: false)
                let seed = try await fleet.peer("seed")
                var hosts: [FleetPeer] = []
                for number in 1...Self.count { hosts.append(try await fleet.peer("host\(number)")) }
                seed.process.signal(SIGSTOP)
                for host in hosts {
                    try await droverDoes("master fetch big --clone vm --count 2 --store \(host.store)")
                }
                let brake = Task { [hosts] in try await Self.slowDown(seed.process, by: hosts[Self.count - 1]) }
                defer { brake.cancel() }
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
            // First without a tracker, so that nothing comes in: it knows what it promised and has not read it for that.
            let alone = try #require(try await host.restart(withTracker: false).master(master), "\(number)")
            #expect(alone.bytesVerified == promise, "\(number)")
            #expect(alone.state == "fetching" || promise == size, "\(number)")
            #expect(try bytesRead(host.process) < 1 << 20, "\(number): nothing is hashed again")
            host.process.kill()
            _ = try await host.restart()

            let done = try await host.registered(master, within: .seconds(120))
            #expect(done.received <= size - promise, "\(number): what was promised is not fetched again")
            #expect(try await areIdentical(image, host.master(master)), "\(number)")
            for clone in 1...2 {
                let path = "\(host.store)/clones/vm-\(clone).qcow2"
                try await eventually("\(path) is made") { access(path, F_OK) == 0 }
                try await tool("qemu-img compare -q -F raw -f qcow2 \(path) \(image)")
            }
            return promise > 0
        }

        /// Lets a seed run for moments only, so that a host's fetch takes as long as ``duration``.
        private static func slowDown(_ seed: ChildProcess, by host: FleetPeer) async throws {
            let start = ContinuousClock.now
            while let entry = try StatusDocument.ask(store: host.store)?.master(master) {
                let isDue = (ContinuousClock.now - start) / duration
                if Double(entry.bytesVerified) < Double(entry.size) * isDue {
                    seed.signal(SIGCONT)
                    try await Task.sleep(for: .milliseconds(10))
                    seed.signal(SIGSTOP)
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            seed.signal(SIGCONT)
        }

        /// Bytes a process has read from anywhere.
        private static func bytesRead(_ process: ChildProcess) throws -> Int {
            let text = String(decoding: try readFile("/proc/\(process.identifier)/io"), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("rchar: ") }
            return try #require(line.flatMap { Int($0.dropFirst("rchar: ".count)) })
        }
    }
}
