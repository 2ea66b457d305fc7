// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm
import TrackerProtocol

/// One end of a connection: what the NIO driver keeps per channel, without the channel.
final class SimulatedConnection {
    /// What travels as one unit on a link.
    enum Segment {
        case bytes(ByteBuffer)
        /// A part of a block, no longer than 16 KiB, with the block's header before the first, and in place of its bytes
        /// whether they are wrong. `served` is the length of the whole read on its last part, 0 on the others.
        case block(ByteBuffer, BlockRequest, isWrong: Bool, served: Int)

        /// The length on the link, with what the headers of Ethernet, IP and TCP add.
        /// - Parameter scale: how long a block's bytes are really, in blocks.
        func linkLength(scale: Int) -> Double {
            switch self {
            case .bytes(let buffer): Double(buffer.readableBytes) * Self.headers + 40
            case .block(let header, let block, _, _):
                Double(header.readableBytes + Int(block.length) * scale) * Self.headers
            }
        }

        private static let headers = 1.027
    }

    /// Room for an extent: which blocks are there, and which of them are wrong.
    struct Room {
        var present: UInt64 = 0
        var wrong: UInt64 = 0
    }

    enum Phase { case handshaking, talking, closed }

    let id: Swarm.ConnectionID
    let host: Int
    /// The host's life that this end belongs to; an end of an earlier life is dead.
    let life: Int
    let peerHost: Int
    let remote: PeerAddress
    let initiatedHere: Bool
    let delay: Int64
    /// The most bytes on their way to the other end, as TCP has it: a wire's length, and two blocks beside.
    let window: Double
    /// The other end.
    var other: SimulatedConnection?
    var phase = Phase.handshaking
    var session: PeerSession?
    var decoder: MessageDecoder
    var output = ByteBuffer()
    var queue = CircularBuffer<Segment>()
    var queuedBytes = 0
    /// Bytes that have left here and not arrived.
    var inFlight = 0.0
    /// Whether the end waits for its turn on the uplink or has it.
    var isScheduled = false
    var rooms: [Extent: Room] = [:]
    var awaited: Extent?
    var arriving: (block: BlockRequest, target: PeerSession.OnBlock)?
    /// When the last segment, report and command on its way arrives; nothing overtakes.
    var lastDelivery: Int64 = 0
    var lastNews: Int64 = 0
    var lastReport: Int64 = 0
    var lastCommand: Int64 = 0

    init(
        id: Swarm.ConnectionID, host: Int, life: Int, peerHost: Int, remote: PeerAddress, initiatedHere: Bool,
        delay: Int64, window: Double, limits: MessageLimits
    ) {
        self.id = id
        self.host = host
        self.life = life
        self.peerHost = peerHost
        self.remote = remote
        self.initiatedHere = initiatedHere
        self.delay = delay
        self.window = window
        decoder = MessageDecoder(limits: limits)
    }
}
