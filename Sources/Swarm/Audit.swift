// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// The machines' own books, checked by the simulator and the tests after every step: each sentence returned is a bug.
extension Swarm {
    /// What does not balance; empty when all is well. Costs a look at every piece of every peer.
    package func audit() -> [String] {
        var faults = pieces.audit(connected: { peers[$0] != nil })
        var counts = Array(repeating: 0, count: metainfo.geometry.pieceCount)
        for (id, view) in peers {
            view.pieces.forEach { counts[$0] += 1 }
            let wanted = view.pieces.count(notIn: pieces.have)
            if view.wanted != wanted { faults.append("\(id) has \(wanted) wanted pieces, not \(view.wanted)") }
            if view.isWanted != (wanted > 0) { faults.append("\(id) was told the wrong interest") }
        }
        if counts != pieces.availability.map({ Int($0) }) { faults.append("availability does not match the peers") }
        if seedCount != peers.values.count(where: { $0.pieces.isFull }) {
            faults.append("\(seedCount) peers have everything")
        }
        if order != peers.keys.sorted() { faults.append("the connections are not in order") }
        if !peers.allSatisfy({ slots[$0.key]?.isForeign == $0.value.isForeign }) {
            faults.append("a slot is of another rack than its peer")
        }
        if Set(hungry).count != hungry.count { faults.append("a connection is hungry twice") }
        if !hungry.allSatisfy({ peers[$0] != nil }) { faults.append("a connection that is gone is hungry") }
        if pieces.disputes.count + pieces.progress.values.count(where: { $0.repair != nil }) > limits.disputes {
            faults.append("too many pieces are in dispute")
        }
        if departed.count > limits.rememberedSources { faults.append("too many sources are remembered") }
        if let relaying, relaying.holderCount > metainfo.geometry.pieceCount || relaying.recordCount > peers.count {
            faults.append("more is remembered of what was passed on than there is")
        }
        if !claims.peers.union(imports.peers).allSatisfy({ peers[$0] != nil }) {
            faults.append("a connection that is gone claims something")
        }
        if let suggestions, !suggestions.peers.allSatisfy({ peers[$0] != nil }) {
            faults.append("a connection that is gone was offered something")
        }
        if peers.count > limits.connections { faults.append("there are \(peers.count) peers") }
        return faults
    }
}

extension PieceTable {
    func audit(connected: (Swarm.ConnectionID) -> Bool) -> [String] {
        var faults: [String] = []
        if started.count != progress.count { faults.append("\(started.count) pieces are started") }
        for (number, entry) in progress {
            guard let piece = geometry.piece(number), started.contains(piece), !have.contains(piece) else {
                faults.append("piece \(number) is under way and not started, or verified")
                continue
            }
            if disputes[number] != nil, entry.extents.contains(where: { if case .stored = $0 { false } else { true } })
            {
                faults.append("piece \(number) is in dispute and not all here")
            }
            if let repair = entry.repair {
                for extent in geometry.extents(of: piece) where !isConsistent(extent, entry, repair) {
                    faults.append("extent \(extent.number) of piece \(number) is repaired against the books")
                }
            }
            for case .assigned(let holders, _) in entry.extents {
                if holders.isEmpty || Set(holders).count != holders.count || !holders.allSatisfy(connected) {
                    faults.append("an extent of piece \(number) is with \(holders)")
                }
            }
        }
        if !disputes.keys.allSatisfy({ progress[$0] != nil }) {
            faults.append("a piece that is not under way is in dispute")
        }
        return faults
    }

    /// Blocks are missing exactly while the extent is not stored.
    private func isConsistent(_ extent: Extent, _ entry: Progress, _ repair: Repair) -> Bool {
        let isStored = if case .stored = entry.extents[extent.number] { true } else { false }
        let missing = repair.missing[extent.number]
        return isStored == (missing == 0) && missing & ~extent.allBlocks == 0
    }
}

extension PeerSession {
    /// What does not balance; empty when all is well.
    package func audit() -> [String] {
        var faults: [String] = []
        let requested = download.open.reduce(0) { $0 + $1.requested.nonzeroBitCount }
        if requested != download.outstanding { faults.append("\(download.outstanding) outstanding, not \(requested)") }
        for entry in download.open
        where entry.requested & entry.received != 0 || entry.received & ~entry.loan.blocks != 0 {
            faults.append("blocks of piece \(entry.extent.piece) are both asked for and here")
        }
        let extents = download.open.map(\.extent) + download.waiting.map(\.extent)
        if Set(extents).count != extents.count { faults.append("an extent is on loan twice") }
        if download.outstanding > limits.maximumPipeline { faults.append("the pipeline is too long") }
        if download.withdrawn.count > limits.rememberedCancels { faults.append("too many cancels are remembered") }
        if inquiries.states.count > limits.leafInquiries { faults.append("too many pieces' leaves are asked for") }
        if hashing.queue.count > limits.queuedHashRequests { faults.append("too many hash requests wait") }
        if upload.queue.count > limits.queuedRequests { faults.append("the upload queue is too long") }
        if upload.reads < 0 || upload.reads > limits.readsInFlight { faults.append("\(upload.reads) reads") }
        if upload.isChoking, !upload.queue.isEmpty { faults.append("requests of a choked peer are queued") }
        return faults
    }
}
