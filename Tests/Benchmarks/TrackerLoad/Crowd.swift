// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

/// Made-up peers, which announce in turn.
struct Crowd {
    let peers: Int
    let swarms: Int
    let wanted: Int

    /// The nth announce of all: the peers' first ones say that they start.
    func announce(_ number: Int) throws -> AnnounceRequest {
        let peer = number % peers
        let swarm = UInt8(1 + peer % swarms)
        guard let hash = InfoHash(Array(repeating: swarm, count: InfoHash.byteCount)),
            let id = PeerID("-LO0000-".utf8 + String(1_000_000_000_000 + peer).utf8.suffix(12))
        else { throw LoadError("no such peer") }
        return AnnounceRequest(
            infoHash: hash, peerID: id, port: UInt16(1024 + peer % 60_000), left: peer == 0 ? 0 : 1 << 30,
            event: number < peers ? .started : nil, numberWanted: wanted)
    }
}
