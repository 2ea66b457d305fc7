// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// The state of every piece of one image: what is verified, what is under way and with whom, and how rare each piece is.
///
/// Each extent has at most one writer: it passes from `free` over `assigned` to `storing` by one connection, and no
/// other may store it until that one's write came back. Late duplicates can therefore never reach a verified piece.
struct PieceTable: Sendable {
    enum ExtentState: Equatable, Sendable {
        case free
        /// Being fetched by one connection, in the endgame by two.
        case assigned([Swarm.ConnectionID], since: Duration)
        case storing(Swarm.ConnectionID)
        case stored(Swarm.ConnectionID, root: SHA256Digest)
    }

    struct Progress: Sendable {
        var extents: [ExtentState]
        /// After a mismatch among several sources, the one connection that may fetch all of the piece.
        var soleSource: Swarm.ConnectionID?
        var needsSoleSource = false
    }

    /// What a piece whose extents are all stored hashes from.
    struct Finished {
        let roots: [SHA256Digest]
        let sources: Set<Swarm.ConnectionID>
    }

    let geometry: PieceGeometry
    private(set) var have: Bitfield
    /// Pieces with an entry in ``progress``.
    private(set) var started: Bitfield
    private(set) var progress: [Int: Progress] = [:]
    /// How many connected peers have each piece.
    private(set) var availability: [UInt16]
    /// Pieces that must come whole from one peer, because bytes from several did not match.
    private var distrusted: Set<Int> = []

    init(geometry: PieceGeometry, have: Bitfield) {
        self.geometry = geometry
        self.have = have
        started = Bitfield(pieceCount: geometry.pieceCount)
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

    /// The free extents of a piece that is under way, as far as `id` may fetch them.
    func freeExtents(of piece: PieceIndex, for id: Swarm.ConnectionID) -> [Extent] {
        guard let entry = progress[piece.number] else { return [] }
        if entry.needsSoleSource, let sole = entry.soleSource, sole != id { return [] }
        return geometry.extents(of: piece).filter { entry.extents[$0.number] == .free }
    }

    /// Marks extents as being fetched by `id`, beginning the piece when that is needed.
    mutating func assign(_ extents: [Extent], to id: Swarm.ConnectionID, now: Duration) {
        for extent in extents {
            let number = extent.piece.number
            if progress[number] == nil {
                let states = Array(repeating: ExtentState.free, count: geometry.extentCount(of: extent.piece))
                progress[number] = Progress(extents: states, needsSoleSource: distrusted.contains(number))
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

    /// An extent that one other connection has been fetching since before `deadline` and that the endgame may therefore
    /// ask of `id` as well: the longest one under way among the peer's pieces.
    func stealable(for id: Swarm.ConnectionID, among pieces: Bitfield, before deadline: Duration) -> Extent? {
        var best: (extent: Extent, since: Duration)?
        for (number, entry) in progress where !entry.needsSoleSource {
            guard let piece = geometry.piece(number), pieces.contains(piece) else { continue }
            for extent in geometry.extents(of: piece) {
                guard case .assigned(let holders, let since) = entry.extents[extent.number], holders.count == 1,
                    !holders.contains(id), since < deadline
                else { continue }
                if let current = best, (current.since, current.extent.piece) <= (since, piece) { continue }
                best = (extent, since)
            }
        }
        return best?.extent
    }

    /// A connection gave an extent back.
    mutating func free(_ extent: Extent, by id: Swarm.ConnectionID) {
        guard case .assigned(let holders, let since) = state(of: extent), holders.contains(id) else { return }
        let rest = holders.filter { $0 != id }
        set(extent, rest.isEmpty ? .free : .assigned(rest, since: since))
        dropIfUntouched(extent.piece)
    }

    /// A connection is gone: what it was fetching is free again. What it is storing stays with it until the write is
    /// back.
    mutating func release(_ id: Swarm.ConnectionID) {
        for (number, entry) in progress {
            guard let piece = geometry.piece(number) else { continue }
            if entry.soleSource == id {
                progress[number]?.soleSource = nil
                // A sole source that went leaves a piece that nobody else may finish: begin it anew.
                for index in entry.extents.indices {
                    if case .stored = entry.extents[index] { progress[number]?.extents[index] = .free }
                }
            }
            for extent in geometry.extents(of: piece) { free(extent, by: id) }
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
    mutating func stored(_ extent: Extent, root: SHA256Digest, by id: Swarm.ConnectionID) -> Finished? {
        guard state(of: extent) == .storing(id) else { return nil }
        set(extent, .stored(id, root: root))
        var roots: [SHA256Digest] = []
        var sources: Set<Swarm.ConnectionID> = []
        for state in progress[extent.piece.number]?.extents ?? [] {
            guard case .stored(let source, let root) = state else { return nil }
            roots.append(root)
            sources.insert(source)
        }
        return Finished(roots: roots, sources: sources)
    }

    mutating func storeFailed(_ extent: Extent, by id: Swarm.ConnectionID) {
        guard state(of: extent) == .storing(id) else { return }
        set(extent, .free)
        dropIfUntouched(extent.piece)
    }

    /// - Returns: whether the piece was not verified before.
    mutating func verified(_ piece: PieceIndex) -> Bool {
        progress[piece.number] = nil
        started.remove(piece)
        distrusted.remove(piece.number)
        return have.insert(piece)
    }

    /// The piece's bytes were wrong. It begins anew, and from now on comes from one peer at a time.
    mutating func restart(_ piece: PieceIndex) {
        progress[piece.number] = nil
        started.remove(piece)
        distrusted.insert(piece.number)
    }

    private func state(of extent: Extent) -> ExtentState? {
        guard let entry = progress[extent.piece.number], extent.number < entry.extents.count else { return nil }
        return entry.extents[extent.number]
    }

    private mutating func set(_ extent: Extent, _ state: ExtentState) {
        progress[extent.piece.number]?.extents[extent.number] = state
    }

    private mutating func dropIfUntouched(_ piece: PieceIndex) {
        guard let entry = progress[piece.number], entry.extents.allSatisfy({ $0 == .free }) else { return }
        progress[piece.number] = nil
        started.remove(piece)
    }
}
