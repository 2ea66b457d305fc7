// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerProtocol
import Swarm

/// What arrives: messages for the session, and blocks, which go to their place in an extent's room.
extension PeerChannelHandler {
    func consume(_ buffer: inout ByteBuffer) {
        let now = TransportResources.now
        do throws(ProtocolViolation) {
            // What is carried out may end the connection.
            while case .talking = phase, let event = try decoder?.next(from: &buffer) {
                switch event {
                case .message(let message): carryOut(try session?.received(message, at: now) ?? [])
                case .block(let block):
                    if let target = try session?.blockStarted(block, at: now) { arriving = (block, target, 0) }
                case .blockBytes(let bytes): keep(bytes)
                case .blockEnd:
                    let ended = arriving
                    arriving = nil
                    if let (block, target, _) = ended, case .keep = target {
                        carryOut(session?.blockEnded(block, at: now) ?? [])
                    }
                }
            }
            session?.heard(at: now)
        } catch {
            close(.violation(error))
        }
    }

    /// Copies a block's bytes to their place in the extent's room.
    private func keep(_ bytes: ByteBuffer) {
        guard let (block, target, received) = arriving else { return }
        if case .keep(let extent, let offset) = target {
            rooms[extent]?.bytes.setBuffer(bytes, at: offset + received)
        }
        arriving = (block, target, received + bytes.readableBytes)
    }

    /// With less to come of a block the call costs more than the copy.
    private static let leastReceivedStraight = 8 * 1024

    /// Takes what else the socket has of the block that is arriving straight to its place, which saves a copy of it. Worth a call
    /// only when a read was full, so that there is more.
    func receiveRest(_ context: ChannelHandlerContext) {
        guard let socket, !readsLittle, case .talking = phase, let rest = decoder?.restOfBlock,
            rest >= Self.leastReceivedStraight,
            let (block, target, received) = arriving, case .keep(let extent, let offset) = target,
            let room = rooms[extent]
        else { return }
        let start = offset + received
        let count = room.bytes.withVeryUnsafeMutableBytes { bytes in
            guard start <= bytes.count, rest <= bytes.count - start else { return 0 }
            return socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + rest]))
        }
        guard count > 0 else { return }
        pace(count, context)
        decoder?.tookOfBlock(count)
        arriving = (block, target, received + count)
        var nothing = ByteBuffer()
        consume(&nothing)
    }
}
