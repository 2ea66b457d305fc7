// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Kills {
        private static let count = 20
        private static let master = "big@1"
        private static let size: Int64 = 48 << 20
        /// How long the fetch takes: several times as long as it takes until what was verified is also recorded.
        private static let seconds: Int64 = 16

        /// Twenty hosts fetch one image together; the n-th is killed when n twenty-firsts of it are verified there. The
        /// seed is a client that can be told to be slow, so that the fetch lasts long enough to be in the journal.
        @Test(.timeLimit(.minutes(4)))
        func `a fetch that is killed at any of twenty points goes on by itself and ends byte-identical`() async throws {
            try await Fleet.run { fleet in
                let image = try await fleet.publish(
                    Self.master, in: "seed", mebibytes: Int(Self.size >> 20), options: "--piece-length 262144",
                    namesTracker: false)
                let folder = fleet.path("seeded")
                mkdir(folder, 0o755)
                try await tool("cp \(image) \(folder)/big@1.raw")
                let seed = try fleet.libtorrent(
                    fleet.path("seed/masters/big@1.torrent"), in: folder, limit: Int(Self.size / Self.seconds),
                    tracker: "\(fleet.tracker)/announce")
                try await eventually("the seed is ready") { seed.output.contains("done") }
                var hosts: [FleetPeer] = []
                for number in 1...Self.count { hosts.append(try await fleet.peer("host\(number)")) }
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
            // Near the end an extent may be asked of two.
            #expect(done.received <= size - promise + size / 8, "\(number): what was promised is not fetched again")
            #expect(try await areIdentical(image, host.master(master)), "\(number)")
            for clone in 1...2 {
                let path = "\(host.store)/clones/vm-\(clone).qcow2"
                try await eventually("\(path) is made") { access(path, F_OK) == 0 }
                try await tool("qemu-img compare -q -F raw -f qcow2 \(path) \(image)")
            }
            return promise > 0
        }

        /// Bytes a process has read from anywhere.
        private static func bytesRead(_ process: ChildProcess) throws -> Int {
            let text = String(decoding: try readFile("/proc/\(process.identifier)/io"), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("rchar: ") }
            return try #require(line.flatMap { Int($0.dropFirst("rchar: ".count)) })
        }
    }
}
