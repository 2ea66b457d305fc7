// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import NIOPosix
import Testing
import TrackerProtocol
import TrackerService

/// Connections that come to no point, on real sockets.
@Suite(.timeLimit(.minutes(2)))
struct ConnectionGateTests {
    /// A connection spoken to by hand.
    private struct Stranger: Sendable {
        let channel: any Channel

        init(_ address: PeerAddress) async throws {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "\(address.host)", port: Int(address.port)).get()
        }

        func say(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
        func end() async { try? await channel.close() }
        /// Returns once the other side has closed the connection.
        func isClosed() async throws { try await channel.closeFuture.get() }
    }

    @Test func `the oldest connection that waits makes room for a new one, and requests are answered`() async throws {
        var requests = RequestLimits()
        requests.waitingConnections = 4
        try await withRunningTracker(requests: requests) { trackers in
            let tracker = try #require(trackers.first)
            var strangers: [Stranger] = []
            for _ in 0..<12 { strangers.append(try await Stranger(tracker)) }
            for stranger in strangers.prefix(8) { try await stranger.isClosed() }
            for stranger in strangers.suffix(4) { try await stranger.say("GET /healthz HTT") }
            #expect(try await get("/healthz", from: tracker).status == .ok)
            for stranger in strangers { await stranger.end() }
        }
    }

    /// A request that is answered before it has ended must not give the next one all the time it likes.
    @Test func `a request has its time, whatever came before it on the connection`() async throws {
        var requests = RequestLimits()
        requests.idleSeconds = 3
        try await withRunningTracker(requests: requests) { trackers in
            let tracker = try #require(trackers.first)
            let stranger = try await Stranger(tracker)
            try await stranger.say("POST /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n")
            // On a machine with much to do the time may be over before all of it is said.
            try? await stranger.say("x")
            try? await stranger.say("PUT /api/v1/masters/a/1 HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n")
            // Part of a body now and then is no sign of good will.
            let trickle = Task { while !Task.isCancelled { try await stranger.say("x") } }
            try await stranger.isClosed()
            trickle.cancel()
            #expect(try await get("/healthz", from: tracker).status == .ok)
        }
    }

    @Test func `uploads that only trickle keep nobody from publishing`() async throws {
        try await withRunningTracker { trackers in
            let tracker = try #require(trackers.first)
            var strangers: [Stranger] = []
            for _ in 0..<40 {
                let stranger = try await Stranger(tracker)
                try await stranger.say(
                    "PUT /api/v1/masters/slow/1 HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nx")
                strangers.append(stranger)
            }
            let answer = try await put("/api/v1/masters/bad/1", "no torrent", to: tracker)
            #expect(answer.status == .unprocessableContent)
            for stranger in strangers { await stranger.end() }
        }
    }
}
