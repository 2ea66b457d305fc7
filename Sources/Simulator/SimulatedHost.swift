// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import Swarm
import TrackerProtocol

/// One host: its swarm, its disk, its links and its memory.
final class SimulatedHost {
    let number: Int
    let plan: Scenario.Host
    let address: PeerAddress
    var random: SeededRandom
    var isAlive = false
    /// Whether it will start, for the first time or again.
    var isExpected = true
    /// How often it has started; what belongs to an earlier life is ignored.
    var life = 0
    /// Whether it ended by vanishing, so that nobody is refused but everybody waits.
    var hasVanished = false
    var peerID: PeerID?
    var swarm: Swarm?
    var schedule = AnnounceSchedule(at: .zero)
    var connections: [Swarm.ConnectionID: SimulatedConnection] = [:]
    /// What the disk holds of each extent, by piece: `nil` is nothing, else the wrong blocks as bits.
    var disk: [[UInt64?]]
    /// Pieces it called verified, over all its lives.
    var verified: Bitfield
    var startedAt: Int64?
    var completedAt: Int64?
    // Links.
    var isSending = false
    /// Connections with something to send, in turn: each sends one segment, then the next one does.
    var turns = CircularBuffer<SimulatedConnection>()
    var downlinkFree: Int64 = 0
    var diskFree: Int64 = 0
    // Memory for extents.
    var freeRooms: Int
    var roomWaiters: [(connection: SimulatedConnection, extent: Extent)] = []

    init?(_ number: Int, _ plan: Scenario.Host, geometry: PieceGeometry, random: SeededRandom) {
        guard let host = IPAddress([10, 0, UInt8(number >> 8 & 255), UInt8(number & 255)]) else { return nil }
        self.number = number
        self.plan = plan
        self.random = random
        address = PeerAddress(host: host, port: 6881)
        freeRooms = plan.rooms
        verified = plan.isSeed ? Bitfield(full: geometry) : Bitfield(pieceCount: geometry.pieceCount)
        disk = geometry.pieces.map { Array(repeating: plan.isSeed ? 0 : nil, count: geometry.extentCount(of: $0)) }
    }

    var isHonest: Bool { plan.lies == 0 }

    /// Whether the disk holds the whole piece as it should be.
    func holds(_ piece: PieceIndex) -> Bool { disk[piece.number].allSatisfy { $0 == 0 } }
}
