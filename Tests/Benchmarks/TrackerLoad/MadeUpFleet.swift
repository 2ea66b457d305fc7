// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import FoundationEssentials
import SqliteStorage
import TrackerProtocol
import TrackerStorage

/// `tracker-load fleet`: fills a tracker's database with hosts, so that it is seen what many of them cost.
struct MadeUpFleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Fills the database of a tracker that does not run with made-up hosts and the master base@2.")

    @Option(help: "The database, which is made if it is not there.")
    var database: String

    @Option(help: "How many hosts.")
    var hosts = 10_000

    func validate() throws {
        guard (1...20_000).contains(hosts) else { throw ValidationError("--hosts must be from 1 to 20000") }
    }

    func run() async throws {
        let storage = try SqliteStorage(path: database)
        let now = Int64(Date.now.timeIntervalSince1970)
        for number in 0..<hosts {
            let name = "rack\(number / 40)-\(number % 40)"
            var digest = [UInt8](repeating: 0, count: 32)
            withUnsafeBytes(of: UInt64(number + 1)) { digest.replaceSubrange(0..<8, with: $0) }
            _ = try await storage.addEnrolmentToken(
                StoredEnrolmentToken(
                    id: "load-\(number)", digest: digest, pattern: name, creator: "load", created: now,
                    expires: now + 3600))
            _ = try await storage.enrol(
                StoredHost(name: name, labels: ["rack": "rack\(number / 40)", "role": "web"], enrolled: now),
                StoredCertificate(
                    serial: String(number + 1, radix: 16), host: name, issued: now, expires: now + 86_400 * 30),
                redeeming: digest, replacing: false, at: now)
            guard var host = try await storage.host(name) else { throw LoadError("no host \(name)") }
            host.facts = Array(
                try JSONEncoder().encode(
                    HostFacts(
                        program: "load", labels: [:], freeBytes: 100 << 30, capacityBytes: 400 << 30,
                        lines: [.init(name: "base", active: 1, held: [1], clones: [.init(version: 1, count: 20)])])))
            host.lastHeard = now
            _ = try await storage.replaceHost(host)
        }
        _ = try await storage.publish(
            PublishedMaster(
                name: "base", version: 2, label: nil, size: 4 << 30, infoHashV1: nil,
                infoHashV2: String(repeating: "5f", count: 32), published: "2026-01-31T12:00:00Z"), torrent: [7])
        print("\(hosts) hosts in \(database)")
    }
}
