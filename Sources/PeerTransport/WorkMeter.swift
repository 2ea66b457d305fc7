// SPDX-License-Identifier: Apache-2.0

import Swarm
import Synchronization

/// What all connections of one process have carried and what it cost, counted since the process began.
package final class WorkMeter: Sendable {
    /// Where bytes of an image came from.
    package enum Origin: String, CaseIterable, Sendable {
        /// A peer of this host's rack.
        case rack
        /// Another peer.
        case peer
        /// An HTTP server that the metainfo names.
        case webSeed = "web-seed"
    }

    /// What threads are busy with.
    package enum Work: String, CaseIterable, Sendable {
        case hashing, writing, reading
        /// Making what was written durable.
        case syncing
    }

    /// All counts at one moment. Times are in seconds, of all threads together.
    package struct Reading: Equatable, Sendable {
        package fileprivate(set) var received: [Origin: UInt64] = [:]
        package fileprivate(set) var sent: UInt64 = 0
        package fileprivate(set) var busy: [Work: Double] = [:]
        /// Pieces whose content was wrong, and peers that were banned for bringing such.
        package fileprivate(set) var mismatchedPieces: UInt64 = 0
        package fileprivate(set) var bannedPeers: UInt64 = 0
        /// How long ago a piece was verified; `nil` when none was.
        package fileprivate(set) var sinceVerified: Duration?
    }

    private let fromRack = Atomic<UInt64>(0)
    private let fromPeers = Atomic<UInt64>(0)
    private let fromWebSeeds = Atomic<UInt64>(0)
    private let sentBytes = Atomic<UInt64>(0)
    private let hashing = Atomic<UInt64>(0)
    private let writing = Atomic<UInt64>(0)
    private let reading = Atomic<UInt64>(0)
    private let syncing = Atomic<UInt64>(0)
    private let mismatches = Atomic<UInt64>(0)
    private let bans = Atomic<UInt64>(0)
    /// When a piece was last verified, in nanoseconds of the same clock as all else; 0 when none was.
    private let verifiedAt = Atomic<UInt64>(0)

    init() {}

    package var now: Reading {
        var now = Reading()
        for origin in Origin.allCases {
            now.received[origin] =
                switch origin {
                case .rack: fromRack.load(ordering: .relaxed)
                case .peer: fromPeers.load(ordering: .relaxed)
                case .webSeed: fromWebSeeds.load(ordering: .relaxed)
                }
        }
        now.sent = sentBytes.load(ordering: .relaxed)
        for work in Work.allCases {
            let nanoseconds =
                switch work {
                case .hashing: hashing.load(ordering: .relaxed)
                case .writing: writing.load(ordering: .relaxed)
                case .reading: reading.load(ordering: .relaxed)
                case .syncing: syncing.load(ordering: .relaxed)
                }
            now.busy[work] = Double(nanoseconds) / 1e9
        }
        now.mismatchedPieces = mismatches.load(ordering: .relaxed)
        now.bannedPeers = bans.load(ordering: .relaxed)
        let verified = verifiedAt.load(ordering: .relaxed)
        if verified > 0 {
            now.sinceVerified = TransportResources.now - .nanoseconds(Int64(clamping: verified))
        }
        return now
    }

    /// Something happened in a swarm.
    func count(_ fact: Swarm.Fact) {
        switch fact {
        case .pieceVerified:
            verifiedAt.store(UInt64(clamping: TransportResources.now.nanoseconds), ordering: .relaxed)
        case .pieceMismatched: mismatches.wrappingAdd(1, ordering: .relaxed)
        case .peerBanned: bans.wrappingAdd(1, ordering: .relaxed)
        case .completed: break
        }
    }

    /// Bytes were received, hashed and written.
    func received(_ bytes: Int, from origin: Origin) {
        let count = UInt64(clamping: bytes)
        switch origin {
        case .rack: fromRack.wrappingAdd(count, ordering: .relaxed)
        case .peer: fromPeers.wrappingAdd(count, ordering: .relaxed)
        case .webSeed: fromWebSeeds.wrappingAdd(count, ordering: .relaxed)
        }
    }

    func sent(_ bytes: Int) { sentBytes.wrappingAdd(UInt64(clamping: bytes), ordering: .relaxed) }

    /// Does something and counts how long it took.
    func time<Value, Failure: Error>(_ work: Work, _ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        let start = TransportResources.now
        defer {
            let spent = UInt64(clamping: (TransportResources.now - start).nanoseconds)
            switch work {
            case .hashing: hashing.wrappingAdd(spent, ordering: .relaxed)
            case .writing: writing.wrappingAdd(spent, ordering: .relaxed)
            case .reading: reading.wrappingAdd(spent, ordering: .relaxed)
            case .syncing: syncing.wrappingAdd(spent, ordering: .relaxed)
            }
        }
        return try body()
    }
}
