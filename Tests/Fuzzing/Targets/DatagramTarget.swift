// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
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
