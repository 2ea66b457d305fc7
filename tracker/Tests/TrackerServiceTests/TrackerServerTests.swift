// SPDX-License-Identifier: Apache-2.0

import Logging
import SqliteStorage
import Testing
import TrackerProtocol
import TrackerService

@Suite struct TrackerServerTests {
    private func open(_ path: String, listen: [PeerAddress] = []) throws -> TrackerServer {
        TrackerServer(
            configuration: TrackerConfiguration(listen: listen), storage: try SqliteStorage(path: path), logger: .quiet)
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
}
