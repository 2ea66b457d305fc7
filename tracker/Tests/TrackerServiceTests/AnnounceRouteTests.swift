// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdTesting
import HTTPTypes
import Metainfo
import NIOCore
import Testing
import TrackerProtocol
import TrackerService

@Suite struct AnnounceRouteTests {
    private func path(_ peer: String, port: UInt16, left: Int64, event: AnnounceEvent? = nil) throws -> String {
        let padded = Array(peer.utf8) + [UInt8](repeating: 0x30, count: 20 - peer.utf8.count)
        let request = AnnounceRequest(
            infoHash: try #require(InfoHash((0..<20).map { UInt8($0 * 12) })), peerID: try #require(PeerID(padded)),
            port: port, left: left, event: event)
        return "/announce?" + request.queryString
    }

    private func announce(_ path: String, to tracker: PeerAddress) async throws -> AnnounceResponse {
        let response = try await get(path, from: tracker)
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "text/plain")
        return try AnnounceResponse.decode(Array(buffer: try #require(response.body)))
    }

    @Test func `peers find each other by the address their connections come from`() async throws {
        try await withRunningTracker(listen: ["127.0.0.1:0", "[::1]:0"]) { trackers in
            let ipv4 = try #require(trackers.first { !$0.isIPv6 })
            let ipv6 = try #require(trackers.first { $0.isIPv6 })
            #expect(ipv4.port != 0 && ipv6.port != 0)
            let spoof = "&ip=9.9.9.9"
            let seed = try await announce(try path("seed", port: 7001, left: 0, event: .started) + spoof, to: ipv4)
            #expect(seed.peers == [] && seed.complete == 1)
            let first = try await announce(try path("first", port: 7002, left: 5, event: .started), to: ipv6)
            #expect(first.peers.map(\.description) == ["127.0.0.1:7001"])
            #expect(first.interval <= 20)
            let second = try await announce(try path("second", port: 7003, left: 5), to: ipv4)
            #expect(Set(second.peers.map(\.description)) == ["127.0.0.1:7001", "[::1]:7002"])
            let gone = try await announce(try path("first", port: 7002, left: 5, event: .stopped), to: ipv6)
            #expect(gone.incomplete == 1)
        }
    }

    @Test func `an IPv4 client of an IPv6 listener is known by its IPv4 address`() async throws {
        try await withRunningTracker(listen: ["[::]:0"]) { trackers in
            let port = try #require(trackers.first).port
            let door = PeerAddress(host: try #require(IPAddress(parsing: "127.0.0.1")), port: port)
            _ = try await announce(try path("seed", port: 7001, left: 0), to: door)
            let answer = try await announce(try path("first", port: 7002, left: 5), to: door)
            #expect(answer.peers.map(\.description) == ["127.0.0.1:7001"])
        }
    }

    @Test func `what the protocol refuses is answered with a failure reason`() async throws {
        try await withRunningTracker { trackers in
            let tracker = try #require(trackers.first)
            for query in ["", "?", "?info_hash=abc", "?info_hash=%", "?x=" + String(repeating: "a", count: 9000)] {
                let answer = try await announce("/announce" + query, to: tracker)
                #expect(answer.failureReason?.hasSuffix(".") == true)
                let scrape = try await get("/scrape" + query, from: tracker)
                let body = Array(buffer: try #require(scrape.body))
                #expect(try scrape.status == .ok && ScrapeResponse.decode(body).failureReason != nil)
            }
        }
    }

    @Test func `a request head without end is refused and the tracker works on`() async throws {
        try await withRunningTracker { trackers in
            let tracker = try #require(trackers.first)
            let endless = try await get("/announce?x=" + String(repeating: "a", count: 200_000), from: tracker)
            #expect(endless.status == .badRequest)
            let health = try await get("/healthz", from: tracker)
            #expect(health.status == .ok)
            #expect(health.body.map { String(buffer: $0) } == #"{"peers":0,"status":"ok","swarms":0}"#)
        }
    }

    @Test func `announces are counted by protocol, and how long they took`() async throws {
        try await withRunningTracker { trackers in
            let tracker = try #require(trackers.first)
            for port in UInt16(7001)...7003 {
                _ = try await announce(try path("p\(port)", port: port, left: 0), to: tracker)
            }
            let answer = try await get("/metrics", from: tracker)
            let lines = String(buffer: try #require(answer.body)).split(separator: "\n").map(String.init)
            for line in [
                #"drover_tracker_announce_duration_seconds_count{protocol="http"} 3"#,
                #"drover_tracker_announce_duration_seconds_bucket{protocol="http",le="+Inf"} 3"#,
                #"drover_tracker_peers 3"#, "drover_build_info{version=\"\(ProgramVersion.text)\"} 1",
            ] { #expect(lines.contains(line), "\(line) is not in \(lines)") }
            // What every process says of itself.
            for name in [
                "cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds",
            ] {
                let line = lines.first { $0.hasPrefix("process_\(name) ") }
                #expect(line.flatMap { Double($0.split(separator: " ")[1]) }.map { $0 > 0 } == true, "\(name)")
            }
        }
    }

    @Test func `a scrape counts what was announced`() async throws {
        try await withRunningTracker { trackers in
            let tracker = try #require(trackers.first)
            _ = try await announce(try path("seed", port: 7001, left: 0), to: tracker)
            _ = try await announce(try path("first", port: 7002, left: 5), to: tracker)
            _ = try await announce(try path("first", port: 7002, left: 0, event: .completed), to: tracker)
            let hash = try #require(InfoHash((0..<20).map { UInt8($0 * 12) }))
            let response = try await get("/scrape?" + ScrapeRequest(infoHashes: [hash]).queryString, from: tracker)
            let scrape = try ScrapeResponse.decode(Array(buffer: try #require(response.body)))
            #expect(scrape.files == [hash: ScrapeResponse.Counts(complete: 2, downloaded: 1, incomplete: 0)])
        }
    }
}
