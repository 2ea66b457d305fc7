// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import FleetProtocol
import FoundationEssentials
import NIOCore
import NIOHTTP1
package import TrackerProtocol

/// Where a host's orders come from, and who hears how they go.
package protocol OrderSource: Sendable {
    /// Names the fleet: what another one ordered before counts no more.
    var fleet: String { get }
    /// The tracker's URL, from which masters that are ordered come too.
    var tracker: String { get }

    /// Everything this host shall have.
    /// - Parameters:
    ///   - tag: what the last answer was called; the answer is kept back while that is still true.
    ///   - seconds: for how long at most.
    /// - Throws: ``HostFailure`` with `.trackerUnreachable`; `CancellationError`.
    func orders(after tag: String?, waiting seconds: Int) async throws -> HostOrders

    /// Says how far this host is.
    /// - Returns: as ``orders(after:waiting:)``, at once.
    func tell(_ notice: HostNotice) async throws -> HostOrders
}

/// The fleet's routes of a tracker.
package struct TrackerOrders: OrderSource {
    /// Beyond the time for which an answer may be kept back.
    private static let patience = 15

    package let fleet: String
    private let url: TrackerURL
    /// As this host is known to its tracker at the moment: certificates are renewed.
    private let client: @Sendable () -> TrackerClient

    package var tracker: String { url.base }

    /// - Parameter fleet: names the fleet that the tracker serves.
    package init(_ tracker: TrackerURL, fleet: String) {
        self.init(tracker, fleet: fleet) { TrackerClient() }
    }

    init(_ tracker: TrackerURL, fleet: String, client: @escaping @Sendable () -> TrackerClient) {
        url = tracker
        self.fleet = fleet
        self.client = client
    }

    package func orders(after tag: String?, waiting seconds: Int) async throws -> HostOrders {
        let query = tag.map { "?after=\($0.percentEncoded)&wait=\(seconds)" } ?? ""
        return try await send(HTTPClientRequest(url: "\(url.base)/api/v1/fleet/orders\(query)"), within: seconds)
    }

    package func tell(_ notice: HostNotice) async throws -> HostOrders {
        var request = HTTPClientRequest(url: "\(url.base)/api/v1/fleet/report")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try notice.fitted()))
        return try await send(request, within: 0)
    }

    private func send(_ request: HTTPClientRequest, within seconds: Int) async throws -> HostOrders {
        let client = client()
        let response = try await client.send(
            request, timeout: .seconds(Int64(seconds + Self.patience)), url)
        guard response.status == .ok else {
            try await client.check(response, "what this host says", url)
            throw HostFailure(.trackerUnreachable, "the tracker \(url.base) answered with \(response.status.code)")
        }
        do {
            let body = try await response.body.collect(upTo: FleetLimits.hostDocumentBytes)
            return try JSONDecoder().decode(HostOrders.self, from: Data(body.readableBytesView))
        } catch {
            try Task.checkCancellation()
            throw HostFailure(.trackerUnreachable, "the orders of the tracker \(url.base) cannot be read: \(error)")
        }
    }
}
