// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// The state of every piece of one image: what is verified, what is under way and with whom, and how rare each piece is.
///
/// Each extent has at most one writer: it passes from `free` over `assigned` to `storing` by one connection, and no
/// other may store it until that one's write came back. Late duplicates can therefore never reach a verified piece.
struct PieceTable: Sendable {
    enum ExtentState: Equatable, Sendable {
        case free
        /// Being fetched by one connection, in the endgame by several. `since` is when the last of them was given it.
        case assigned([Swarm.ConnectionID], since: Duration)
        case storing(Swarm.ConnectionID)
        case stored(Swarm.ConnectionID, root: SHA256Digest)
    }

    struct Progress: Sendable {
        var extents: [ExtentState]
        /// After a mismatch among several sources, the one connection that may fetch all of the piece.
        var soleSource: Swarm.ConnectionID?
        var needsSoleSource = false
        /// When the piece began, or an extent of it was last stored.
        var lastProgress: Duration
    }

    /// What a piece whose extents are all stored hashes from.
    struct Finished {
        let roots: [SHA256Digest]
        /// Who brought each extent.
        let sources: [Swarm.ConnectionID]
    }

    let geometry: PieceGeometry
    private(set) var have: Bitfield
    /// Pieces with an entry in ``progress``.
    private(set) var started: Bitfield
    /// Those of them with a free extent, so that looking for one does not visit all that is under way.
    private var unfinished: Bitfield
    private(set) var progress: [Int: Progress] = [:]
    /// How many connected peers have each piece.
    private(set) var availability: [UInt16]
    /// Pieces that must come whole from one peer, because bytes from several did not match.
    private var distrusted: Set<Int> = []
    /// What the last failed attempt at a distrusted piece was made of.
    private var failed: [Int: Finished] = [:]

    init(geometry: PieceGeometry, have: Bitfield) {
        self.geometry = geometry
        self.have = have
        started = Bitfield(pieceCount: geometry.pieceCount)
        unfinished = Bitfield(pieceCount: geometry.pieceCount)
        availability = Array(repeating: 0, count: geometry.pieceCount)
    }

    // MARK: Availability

    mutating func count(_ bitfield: Bitfield) {
        bitfield.forEach { availability[$0] += availability[$0] == .max ? 0 : 1 }
    }

    mutating func count(_ piece: PieceIndex) {
        availability[piece.number] += availability[piece.number] == .max ? 0 : 1
    }

    mutating func forget(_ bitfield: Bitfield) {
        bitfield.forEach { availability[$0] -= availability[$0] == 0 ? 0 : 1 }
    }

    // MARK: Assignment

    /// The free extents of pieces that are under way, as far as the peer has them and `id` may fetch them.
    func freeExtents(among pieces: Bitfield, for id: Swarm.ConnectionID) -> [Extent] {
        guard !unfinished.isEmpty else { return [] }
        var free: [Extent] = []
        unfinished.forEach { number in
            guard let piece = geometry.piece(number), pieces.contains(piece), let entry = progress[number] else {
                return
            }
            if entry.needsSoleSource, let sole = entry.soleSource, sole != id { return }
            free += geometry.extents(of: piece).filter { entry.extents[$0.number] == .free }
        }
        return free
    }

    /// Marks extents as being fetched by `id`, beginning the piece when that is needed.
    mutating func assign(_ extents: [Extent], to id: Swarm.ConnectionID, now: Duration) {
        for extent in extents {
            let number = extent.piece.number
            if progress[number] == nil {
                let states = Array(repeating: ExtentState.free, count: geometry.extentCount(of: extent.piece))
                progress[number] = Progress(
                    extents: states, needsSoleSource: distrusted.contains(number), lastProgress: now)
                started.insert(extent.piece)
            }
            if progress[number]?.needsSoleSource == true { progress[number]?.soleSource = id }
            if case .assigned(let holders, _) = state(of: extent) {
                set(extent, .assigned(holders + [id], since: now))
            } else {
                set(extent, .assigned([id], since: now))
            }
        }
    }

    /// An extent that only others have been fetching, and for long, so that the endgame may ask it of `id` as well: the
    /// one that has waited longest among the peer's pieces. The wait grows with the number of those who try already,
    /// so that a few dead-slow ones cannot hold it up and nobody fetches it ten times over.
    func stealable(
        for id: Swarm.ConnectionID, among pieces: Bitfield, limits: SwarmLimits, now: Duration
    ) -> Extent? {
        var best: (piece: PieceIndex, number: Int, since: Duration)?
        for (number, entry) in progress where !entry.needsSoleSource {
            guard let piece = geometry.piece(number), pieces.contains(piece) else { continue }
            for (place, state) in entry.extents.enumerated() {
                guard case .assigned(let holders, let since) = state, holders.count < limits.extentHolders,
                    now - since > limits.stealAfter * holders.count, !holders.contains(id)
                else { continue }
                if let best, (best.since, best.piece, best.number) <= (since, piece, place) { continue }
                best = (piece, place, since)
            }
        }
        return best.flatMap { found in geometry.extents(of: found.piece).first { $0.number == found.number } }
    }

    /// A piece whose sole source has brought nothing of it for too long and that the peer has, the lowest-numbered one.
    /// The patience is long, because what was brought already is lost when the piece changes hands.
    func overdue(
        for id: Swarm.ConnectionID, among pieces: Bitfield, limits: SwarmLimits, now: Duration
    ) -> PieceIndex? {
        guard !distrusted.isEmpty else { return nil }
        return distrusted.sorted().lazy.compactMap { geometry.piece($0) }.first { piece in
            guard pieces.contains(piece), let entry = progress[piece.number], entry.soleSource != id,
                now - entry.lastProgress > limits.soleSourcePatience
            else { return false }
            // A write under way must come back before anybody else may write there.
            return !entry.extents.contains { if case .storing = $0 { true } else { false } }
        }
    }

    /// Takes a piece from everybody who fetches it.
    /// - Returns: who has to be told, and of which extents.
    mutating func withdraw(_ piece: PieceIndex) -> [(Extent, Swarm.ConnectionID)] {
        var withdrawn: [(Extent, Swarm.ConnectionID)] = []
        for extent in geometry.extents(of: piece) {
            guard case .assigned(let holders, _) = state(of: extent) else { continue }
            withdrawn += holders.map { (extent, $0) }
        }
        drop(piece)
        return withdrawn
    }

    /// A connection gave an extent back, or could not store it.
    mutating func free(_ extent: Extent, by id: Swarm.ConnectionID) {
        switch state(of: extent) {
        case .assigned(let holders, let since) where holders.contains(id):
            let rest = holders.filter { $0 != id }
            set(extent, rest.isEmpty ? .free : .assigned(rest, since: since))
        case .storing(id): set(extent, .free)
        default: return
        }
        tidy(extent.piece)
    }

    /// A connection is gone: what it was fetching is free again. What it is storing stays with it until the write is
    /// back.
    mutating func release(_ id: Swarm.ConnectionID) {
        for number in progress.keys {
            guard let piece = geometry.piece(number), let entry = progress[number] else { continue }
            for extent in geometry.extents(of: piece) {
                if case .assigned(let holders, _) = entry.extents[extent.number], holders.contains(id) {
                    free(extent, by: id)
                }
            }
            guard entry.soleSource == id, progress[number] != nil else { continue }
            // What it brought is of no use to the next one; what it is storing is judged when the write is back.
            progress[number]?.soleSource = nil
            for extent in geometry.extents(of: piece) {
                if case .stored = state(of: extent) { set(extent, .free) }
            }
            tidy(piece)
        }
    }

    /// Whether anything of an unfinished piece came, or is coming, from this connection.
    func involves(_ id: Swarm.ConnectionID) -> Bool {
        failed.values.contains { $0.sources.contains(id) }
            || progress.values.contains { entry in
                entry.extents.contains { state in
                    if case .stored(id, _) = state { return true }
                    return state == .storing(id)
                }
            }
    }

    /// The connection lied: what came from it is fetched again, instead of spoiling pieces that others helped with.
    mutating func disown(_ id: Swarm.ConnectionID) {
        for number in progress.keys {
            guard let piece = geometry.piece(number) else { continue }
            for extent in geometry.extents(of: piece) {
                if case .stored(id, _) = state(of: extent) { set(extent, .free) }
            }
            tidy(piece)
        }
    }

    // MARK: Storing

    /// The connection that filled an extent asks to store it.
    /// - Returns: the connections that were fetching it as well and may stop; `nil` when `id` no longer holds it.
    mutating func beginStoring(_ extent: Extent, by id: Swarm.ConnectionID) -> [Swarm.ConnectionID]? {
        guard case .assigned(let holders, _) = state(of: extent), holders.contains(id) else { return nil }
        set(extent, .storing(id))
        return holders.filter { $0 != id }
    }

    /// - Returns: what to hash the piece from when this was its last extent.
    mutating func stored(
        _ extent: Extent, root: SHA256Digest, by id: Swarm.ConnectionID, now: Duration
    ) -> Finished? {
        guard let entry = progress[extent.piece.number], state(of: extent) == .storing(id) else { return nil }
        guard !entry.needsSoleSource || entry.soleSource == id else {
            // The piece has meanwhile been given to somebody else, who must deliver all of it.
            free(extent, by: id)
            return nil
        }
        set(extent, .stored(id, root: root))
        progress[extent.piece.number]?.lastProgress = now
        var roots: [SHA256Digest] = []
        var sources: [Swarm.ConnectionID] = []
        for state in progress[extent.piece.number]?.extents ?? [] {
            guard case .stored(let source, let root) = state else { return nil }
            roots.append(root)
            sources.append(source)
        }
        return Finished(roots: roots, sources: sources)
    }

    /// The piece's bytes were right.
    /// - Returns: who brought something else for it when it failed before, which is now proven to be wrong.
    mutating func verified(_ piece: PieceIndex, _ finished: Finished) -> Set<Swarm.ConnectionID> {
        drop(piece)
        have.insert(piece)
        guard distrusted.remove(piece.number) != nil, let before = failed.removeValue(forKey: piece.number) else {
            return []
        }
        let wrong = finished.roots.indices.filter { before.roots[$0] != finished.roots[$0] }
        return Set(wrong.map { before.sources[$0] })
    }

    /// The piece's bytes were wrong. It begins anew, and from now on comes from one peer at a time.
    mutating func restart(_ piece: PieceIndex, _ finished: Finished) {
        drop(piece)
        distrusted.insert(piece.number)
        failed[piece.number] = finished
    }

    private func state(of extent: Extent) -> ExtentState? {
        guard let entry = progress[extent.piece.number], extent.number < entry.extents.count else { return nil }
        return entry.extents[extent.number]
    }

    private mutating func set(_ extent: Extent, _ state: ExtentState) {
        progress[extent.piece.number]?.extents[extent.number] = state
        mark(extent.piece)
    }

    private mutating func mark(_ piece: PieceIndex) {
        if progress[piece.number]?.extents.contains(.free) == true {
            unfinished.insert(piece)
        } else {
            unfinished.remove(piece)
        }
    }

    /// Forgets a piece that nobody has brought anything of.
    private mutating func tidy(_ piece: PieceIndex) {
        guard let entry = progress[piece.number], entry.extents.allSatisfy({ $0 == .free }) else { return }
        drop(piece)
    }

    private mutating func drop(_ piece: PieceIndex) {
        progress[piece.number] = nil
        started.remove(piece)
        unfinished.remove(piece)
    }
}
