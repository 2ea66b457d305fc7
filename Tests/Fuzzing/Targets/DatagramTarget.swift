// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import TrackerCore
import TrackerProtocol

extension FuzzTarget {
    /// One announce over UDP. The script says what comes in, and when: datagrams, with the transaction that was asked
    /// under or another, and nothing for a while. The announce ends, once, and sends no more than it may.
    static let datagramTracker = FuzzTarget("datagram-tracker", maximumLength: 1024) { bytes in
        var script = Script(bytes)
        let isIPv6 = script.byte() % 2 == 1
        let hash = try unwrap(InfoHash(Array(repeating: 7, count: InfoHash.byteCount)), "no info-hash")
        let peer = try unwrap(PeerID(Array(repeating: 9, count: PeerID.byteCount)), "no peer id")
        var announce = DatagramAnnounce(
            AnnounceRequest(infoHash: hash, peerID: peer, port: 6881, left: 1, event: .started), key: 5, isIPv6: isIPv6)
        var random = SplitMix(state: 1)
        var now = Duration.zero
        var sent: [[UInt8]] = []
        var ends = 0
        func take(_ effects: [DatagramAnnounce.Effect]) throws {
            for effect in effects {
                try expect(ends == 0, "\(effect) after the end")
                switch effect {
                case .send(let datagram): sent.append(datagram)
                case .answered(let response):
                    ends += 1
                    try expect(response.peers.allSatisfy { $0.port != 0 && $0.isIPv6 == isIPv6 }, "odd peers")
                    try expect((0...7 * 24 * 3600).contains(response.interval), "\(response.interval) s")
                case .failed: ends += 1
                }
            }
        }
        try take(announce.start(at: now, using: &random))
        while !script.isEmpty {
            let step = script.byte()
            guard step % 4 != 0 else {
                now = max(now, announce.deadline)
                try take(announce.tick(at: now, using: &random))
                continue
            }
            now += .seconds(Int(step % 16))
            var datagram = Array(script.take(Int(script.byte())))
            // Where a real tracker would, the datagram names the transaction it answers.
            if step % 4 != 1, datagram.count >= 8, let last = sent.last {
                datagram.replaceSubrange(4..<8, with: last[12..<16])
            }
            try take(announce.received(datagram, at: now, using: &random))
        }
        for _ in 0..<8 {
            now = max(now, announce.deadline)
            try take(announce.tick(at: now, using: &random))
        }
        try expectEqual(ends, 1, "number of ends")
        // Each repeat may follow a connection id that ran out, and each such id leads to one announce.
        try expect(sent.count <= 2 * (DatagramAnnounce.maximumRepeats + 1), "\(sent.count) datagrams")
    }
}

extension FuzzTarget {
    /// A datagram to a tracker, with and without a good connection id: a request is read as it is written, nothing without
    /// proof is answered with more bytes than it has, and answers are read as they were written.
    static let datagramRequest = FuzzTarget("datagram-request", maximumLength: 2100) { bytes in
        if let request = DatagramRequest(bytes.span.bytes) {
            try expectEqual(DatagramRequest(request.encoded.span.bytes), request, "read again")
        }
        var random = SplitMix(state: 4)
        var registry = SwarmRegistry()
        var responder = DatagramResponder(at: .zero, using: &random)
        let isIPv6 = bytes.count % 2 == 1
        let host = isIPv6 ? IPAddress(ipv6: 0xfd00 << 48, 1) : IPAddress(ipv4: 0x0a00_0001)
        func answer(_ datagram: [UInt8]) -> [UInt8] {
            var answer = [UInt8](repeating: 0, count: DatagramResponse.maximumAnswerByteCount)
            var span = answer.mutableSpan
            var room = span.mutableBytes
            let count = responder.answer(
                datagram.span.bytes, from: host, registry: &registry, rack: nil, isBusy: false, now: .zero,
                using: &random,
                to: &room)
            return Array(answer.prefix(count))
        }
        let stranger = answer(bytes)
        try expect(stranger.count <= bytes.count, "\(stranger.count) bytes for \(bytes.count)")
        try expectEqual(registry.peerCount, 0, "peers without proof")
        let connect = DatagramResponse(answer(DatagramRequest.connect(transaction: 1).encoded), isIPv6: isIPv6)
        guard case .connect(1, let id)? = connect else { throw Finding("no connection id") }
        var proven = bytes
        if proven.count >= 8 {
            proven.replaceSubrange(0..<8, with: (0..<8).map { UInt8(truncatingIfNeeded: id >> UInt64(56 - 8 * $0)) })
        }
        let known = answer(proven)
        guard !known.isEmpty else { return }
        let response = try unwrap(DatagramResponse(known, isIPv6: isIPv6), "an answer that nobody can read")
        try expectEqual(response.encoded(isIPv6: isIPv6), known, "the answer read again")
    }
}
