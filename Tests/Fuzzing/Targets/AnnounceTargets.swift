// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

extension FuzzTarget {
    /// The query of an announce: what is accepted is read again as it is written.
    static let announceRequest = FuzzTarget("announce-request", maximumLength: 1024) { bytes in
        let query = String(decoding: bytes, as: UTF8.self)
        guard let request = try? AnnounceRequest(query: query) else { return }
        try expect(request.port > 0, "the port is 0")
        try expect(request.left >= 0 && request.uploaded >= 0 && request.downloaded >= 0, "a count is negative")
        try expect((request.key?.count ?? 0) <= AnnounceRequest.maximumKeyByteCount, "the key is long")
        try expectEqual(try AnnounceRequest(query: request.queryString), request, "read again")
    }

    /// A tracker's answer: what is accepted stays within its bounds and is read again as it is written.
    static let announceResponse = FuzzTarget("announce-response") { bytes in
        guard let response = try? AnnounceResponse.decode(bytes) else { return }
        try checkBounds(response)
        // Text that was cut or mended may be cut again elsewhere.
        guard (response.warning ?? response.failureReason ?? "").utf8.count <= 1024 else { return }
        try expectEqual(try AnnounceResponse.decode(response.encoded(compact: false)), response, "read again")
        var sorted = response
        sorted.peers = response.peers.filter { !$0.isIPv6 } + response.peers.filter(\.isIPv6)
        try expectEqual(try AnnounceResponse.decode(response.encoded()), sorted, "read again in compact form")
    }

    private static func checkBounds(_ response: AnnounceResponse) throws {
        try expect((0...7 * 24 * 3600).contains(response.interval), "the interval is \(response.interval) s")
        try expect(response.peers.count <= AnnounceResponse.maximumPeerCount, "\(response.peers.count) peers")
        try expect(response.peers.allSatisfy { $0.port != 0 }, "a peer has port 0")
        try expect((response.complete ?? 0) >= 0 && (response.incomplete ?? 0) >= 0, "a count is negative")
        if case .minutes(let minutes) = response.retryIn { try expect(minutes > 0, "again in \(minutes) minutes") }
    }

    /// A scrape's query, or its answer where the first byte is odd.
    static let scrape = FuzzTarget("scrape") { bytes in
        var script = Script(bytes)
        let isAnswer = script.byte() % 2 == 1
        let rest = script.takeRest()
        if isAnswer {
            guard let response = try? ScrapeResponse.decode(rest) else { return }
            let counts = response.files.values
            try expect(
                counts.allSatisfy { $0.complete >= 0 && $0.downloaded >= 0 && $0.incomplete >= 0 },
                "a count is negative")
            guard (response.failureReason ?? "").utf8.count <= 1024 else { return }
            try expectEqual(try ScrapeResponse.decode(response.encoded), response, "read again")
        } else {
            guard let request = try? ScrapeRequest(query: String(decoding: rest, as: UTF8.self)) else { return }
            try expect((1...ScrapeRequest.maximumCount).contains(request.infoHashes.count), "too many swarms")
            try expectEqual(try ScrapeRequest(query: request.queryString), request, "read again")
        }
    }
}
