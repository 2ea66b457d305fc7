// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import PeerService
import Testing

/// What operators are told of a tracker that stumbles.
@Suite(.timeLimit(.minutes(1)))
struct OperatorClientTests {
    private func asking(_ body: (PlayedTracker, OperatorClient) async throws -> Void) async throws {
        let tracker = try await PlayedTracker()
        do {
            try await body(
                tracker, OperatorClient(tracker: tracker.url, credentials: TrackerCredentials(token: "drv_1")))
        } catch {
            await tracker.stop()
            throw error
        }
        await tracker.stop()
    }

    @Test func `a tracker that is busy or stumbles is away for a while, and one that refuses has refused`() async throws
    {
        try await asking { tracker, client in
            for (status, code) in [
                (429, HostFailure.Code.trackerUnreachable), (500, .trackerUnreachable), (502, .trackerUnreachable),
                (503, .trackerUnreachable), (504, .trackerUnreachable), (507, .failed), (409, .conflict),
                (403, .denied),
            ] {
                tracker.change { $0.operatorRefusals = [status] }
                let failure = await #expect(throws: HostFailure.self) { _ = try await client.status(1) }
                #expect(failure?.code == code, "\(status)")
            }
            let status = try await client.status(1)
            #expect(status.phase == .succeeded)
        }
    }

    @Test func `what has a key is asked a second time`() async throws {
        try await asking { tracker, client in
            tracker.change { $0.operatorRefusals = [503] }
            _ = try await client.command(RolloutCommandRequest(.pause), to: 1, key: "k")
            #expect(tracker.now.asked.count == 2)
        }
    }
}
