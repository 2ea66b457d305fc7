// SPDX-License-Identifier: Apache-2.0

import PeerProtocol

extension FuzzTarget {
    /// Messages of the extension protocol: the first byte is their number. A handshake is read as it is written.
    static let extensions = FuzzTarget("extensions") { bytes in
        var script = Script(bytes)
        let id = script.byte()
        let payload = script.takeRest()
        guard id == ExtendedHandshake.messageID else {
            let message = try? ExtendedMessage(id: id, payload: payload)
            try expect(message == nil || ExtendedMessage.offered.values.contains(id), "\(id) was not offered")
            return
        }
        guard let handshake = try? ExtendedHandshake(payload) else { return }
        try expect((handshake.client?.count ?? 0) <= 64, "the client's name is long")
        // A name that is not text grows when it is made so.
        guard handshake.encoded.count <= 64 * 1024 else { return }
        try expectEqual(try ExtendedHandshake(handshake.encoded), handshake, "read again")
    }
}
