// SPDX-License-Identifier: Apache-2.0

import FleetService
import FoundationEssentials
import SqliteStorage
import TrackerProtocol

/// A running tracker of a fleet with the master debian@7 and four hosts, `h1` and so on, which do as they are told.
struct PlayedFleet: Sendable {
    let folder: String
    /// The tracker's.
    let url: String
    let storage: SqliteStorage
    let fleet: FleetService.Fleet
    let hosts: PlayedHosts
}

func withPlayedFleet(_ body: @escaping @Sendable (PlayedFleet) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
        let storage = try SqliteStorage(path: folder + "/tracker.sqlite")
        _ = try await storage.publish(
            PublishedMaster(
                name: "debian", version: 7, label: nil, size: 1 << 30, infoHashV1: nil,
                infoHashV2: String(repeating: "70", count: 32), published: "2026-01-31T12:00:00Z"), torrent: [7])
        let names = (1...4).map { "h\($0)" }
        for (number, name) in zip(1...4 as ClosedRange<UInt8>, names) { try await enrol(name, number, in: storage) }
        let epoch = try await storage.settleEpoch(fresh: "5f2a", at: 3).epoch
        let fleet = try await FleetService.Fleet.open(storage, epoch: epoch) {
            Int64(Date.now.timeIntervalSince1970 * 1000)
        }
        let hosts = PlayedHosts(fleet)
        for name in names { try await hosts.greet(name) }
        try await withRunningTracker(storage: storage, fleet: fleet) { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names { group.addTask { try await hosts.play(name) } }
                try await body(
                    PlayedFleet(
                        folder: folder, url: "http://\(address)", storage: storage, fleet: fleet, hosts: hosts))
                group.cancelAll()
            }
        }
    }
}
