// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
import Logging
import Testing
import TrackerProtocol
import TrackerService

@Suite struct TrackerServerTests {
    private func open(_ path: String, listen: [PeerAddress] = []) throws(TrackerError) -> TrackerServer {
        try TrackerServer(configuration: TrackerConfiguration(listen: listen, databasePath: path), logger: .quiet)
    }

    private func catalogueError(_ path: String) -> CatalogueError? {
        do throws(TrackerError) {
            _ = try open(path)
            return nil
        } catch {
            if case .catalogue(let reason) = error { return reason }
            return nil
        }
    }

    @Test func `a port in use is said so`() async throws {
        try await withRunningTracker { trackers in
            let taken = try #require(trackers.first)
            try await withTemporaryFolder { folder in
                let server = try open(folder + "/tracker.sqlite", listen: [taken])
                do throws(TrackerError) {
                    try await server.run(signals: false) { _ in }
                    Issue.record("the second tracker listens too")
                } catch {
                    guard case .addressInUse(taken) = error else {
                        Issue.record("\(error)")
                        return
                    }
                    #expect(error.description.contains("--listen"))
                }
            }
        }
    }

    @Test func `an address that is not this host's is said so`() async throws {
        try await withTemporaryFolder { folder in
            let elsewhere = try #require(PeerAddress(parsing: "192.0.2.1:6969"))
            let server = try open(folder + "/tracker.sqlite", listen: [elsewhere])
            do throws(TrackerError) {
                try await server.run(signals: false) { _ in }
                Issue.record("the tracker listens on a foreign address")
            } catch {
                guard case .addressNotAvailable(elsewhere) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }

    @Test func `a database that cannot be used is said so and left alone`() async throws {
        try await withTemporaryFolder { folder in
            guard case .cannotOpen = catalogueError(folder + "/missing/tracker.sqlite") else {
                Issue.record("a missing folder was accepted")
                return
            }
            guard case .cannotOpen = catalogueError(folder) else {
                Issue.record("a folder was accepted")
                return
            }
            let text = Data("This is a shopping list, and a rather long one: bread, milk, eggs.".utf8)
            try text.write(to: URL(filePath: folder + "/list.txt"))
            guard case .notADatabase = catalogueError(folder + "/list.txt") else {
                Issue.record("a text file was accepted")
                return
            }
            #expect(try Data(contentsOf: URL(filePath: folder + "/list.txt")) == text)
        }
    }

    @Test func `a database of a newer version is refused`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/tracker.sqlite"
            #expect(catalogueError(path) == nil)
            let database = try DatabaseQueue(path: path)
            try await database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 later')") }
            try database.close()
            guard case .newerSchema = catalogueError(path) else {
                Issue.record("a newer layout was accepted")
                return
            }
        }
    }
}
