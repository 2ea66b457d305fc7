// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import HTTPTypes
import Hummingbird
import NIOCore
import OperatorAccess
import ServiceLifecycle

/// `GET /api/v1/events`: rollouts and hosts as they change, as server-sent events.
///
/// Each watcher looks once a second, so that a fleet in which much happens sends no more than one in which little does.
struct EventRoutes: Sendable {
    let fleet: Fleet
    let limits: RequestLimits
    let places: WatcherPlaces

    private static let interval = Duration.seconds(1)
    /// Looks between two signs of life, by which it is noticed that a watcher is gone; they come well before anything
    /// between takes the connection for dead.
    private static let looksPerSign = 3

    func add(to table: inout RouteTable) {
        table.read("api/v1/events", RoutePolicy(.operators(.view))) { _, _ in
            let place = try places.take()
            return Response(
                status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: ResponseBody { writer in
                    try await tell(&writer)
                    try await writer.finish(nil)
                    withExtendedLifetime(place) {}
                })
        }
    }

    private func tell(_ writer: inout any ResponseBodyWriter) async throws {
        var watch = FleetWatch()
        let clock = ContinuousClock()
        // A watcher comes back by itself, with credentials that are looked at again.
        let end = clock.now.advanced(by: .seconds(limits.eventStreamSeconds))
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        var looks = 0
        while true {
            let news = try await fleet.news(for: &watch)
            for status in news.rollouts { try await writer.write(Self.event("rollout", status)) }
            if let hosts = news.hosts { try await writer.write(Self.event("hosts", hosts)) }
            looks += 1
            if looks.isMultiple(of: Self.looksPerSign) { try await writer.write(ByteBuffer(string: ":\n\n")) }
            if clock.now >= end || Task.isShuttingDownGracefully { return }
            try await Task.sleep(for: Self.interval)
        }
    }

    private static func event(_ name: String, _ document: some Encodable) throws -> ByteBuffer {
        var event = ByteBuffer(string: "event: \(name)\ndata: ")
        var json = try JSONAnswer.bytes(document)
        event.writeBuffer(&json)
        event.writeString("\n\n")
        return event
    }
}
