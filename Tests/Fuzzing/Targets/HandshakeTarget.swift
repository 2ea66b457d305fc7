// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol

extension FuzzTarget {
    /// A handshake is the same in one part or in many, is told from garbage at the first byte, and is read as written.
    static let handshake = FuzzTarget("handshake", maximumLength: 100) { bytes in
        let whole = Result { () throws(ProtocolViolation) in
            var buffer = ByteBuffer(bytes: bytes)
            return try Handshake.decode(from: &buffer)
        }
        var buffer = ByteBuffer()
        var found: Handshake?
        for byte in bytes where found == nil {
            buffer.writeInteger(byte)
            do throws(ProtocolViolation) {
                found = try Handshake.decode(from: &buffer)
            } catch {
                try expect((try? whole.get()) == nil, "byte by byte it is refused: \(error)")
                return
            }
        }
        let handshake = try whole.get()
        try expectEqual(found, handshake, "byte by byte")
        try expectEqual(handshake == nil, bytes.count < Handshake.byteCount, "awaiting more")
        guard let handshake else { return }
        var again = ByteBuffer()
        handshake.encode(into: &again)
        try expectEqual(again.readableBytes, Handshake.byteCount, "length")
        try expectEqual(try Handshake.decode(from: &again), handshake, "read again")
    }
}
