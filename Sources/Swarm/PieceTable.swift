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
        case stored(Swarm.ConnectionID, LoanHashes)
    }

    struct Progress: Sendable {
        var extents: [ExtentState]
        /// After a mismatch among several sources, the one connection that may fetch all of the piece.
        var soleSource: Swarm.ConnectionID?
        var needsSoleSource = false
        let begun: Duration
        /// Whether it began with somebody who is spared.
        let isSpared: Bool
        /// When the piece began, or an extent of it was last stored.
        var lastProgress: Duration
        /// What is known of the piece since it was wrong.
        var repair: Repair?
    }

    /// What a piece whose extents are all stored hashes from.
    struct Finished: Sendable {
        let roots: [SHA256Digest]
        /// Each extent's leaves.
        let leaves: [[SHA256Digest]]
        /// Who brought each extent.
        let sources: [Swarm.ConnectionID]

        /// The one connection that brought all of it.
        var soleSource: Swarm.ConnectionID? {
            sources.first.flatMap { first in sources.allSatisfy { $0 == first } ? first : nil }
        }
    }

    /// What came of storing an extent.
    enum Stored {
        /// There is more to come, or nobody waits for this any more.
        case unfinished
        /// The piece's leaves are known, and something that was brought is not right.
        case wrong
        case finished(Finished)
    }

    let geometry: PieceGeometry
    private(set) var have: Bitfield
    /// Pieces with an entry in ``progress``.
    private(set) var started: Bitfield
    /// Those of them with a free extent, so that looking for one does not visit all that is under way.
    private var unfinished: Bitfield
    var progress: [Int: Progress] = [:]
    /// Pieces of which it is being found out what is wrong.
    var disputes: [Int: Dispute] = [:]
    /// How many connected peers have each piece.
    private(set) var availability: [UInt16]

    /// Missing pieces, those of them that nobody connected has, and how many have the rarest; 0 when none is missing.
    var rarity: (missing: Int, unavailable: Int, rarest: Int) {
        var (missing, unavailable, rarest) = (0, 0, UInt16.max)
        for number in 0..<geometry.pieceCount {
            guard let piece = geometry.piece(number), !have.contains(piece) else { continue }
            let copies = availability[number]
            missing += 1
            if copies == 0 { unavailable += 1 }
            rarest = min(rarest, copies)
        }
        return (missing, unavailable, missing == 0 ? 0 : Int(rarest))
    }
    /// Pieces that must come whole from one peer, because bytes from several did not match and nobody gave the leaves.
    var distrusted: Set<Int> = []
    /// What the last failed attempt at a distrusted piece was made of.
    var failed: [Int: Finished] = [:]
    /// How long an extent takes to arrive, in seconds, as most did lately.
    private var usualTime = 0.0

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

    mutating func forget(_ piece: PieceIndex) {
        availability[piece.number] -= availability[piece.number] == 0 ? 0 : 1
    }

    // MARK: Assignment

    /// How many more pieces may begin, where `limit` may that have begun lately, and not with somebody who is spared: a lower
    /// bound, exact where it is 0.
    func room(_ limit: Int, after time: Duration, now: Duration) -> Int {
        if started.count < limit { return limit - started.count }
        return max(0, limit - begun(within: time, now: now))
    }

    /// How many pieces under way have begun lately, and not with somebody who is spared.
    func begun(within time: Duration, now: Duration) -> Int {
        progress.values.count { !$0.isSpared && now - $0.begun <= time }
    }

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

    /// The blocks of the extent that are still to be fetched.
    func loan(_ extent: Extent) -> Loan {
        Loan(extent, blocks: progress[extent.piece.number]?.repair?.missing[extent.number])
    }

    /// Marks extents as being fetched by `id`, beginning the piece when that is needed.
    /// - Parameter isSpared: whether that is somebody who is spared.
    mutating func assign(
        _ extents: [Extent], to id: Swarm.ConnectionID, isSpared: Bool = false, now: Duration
    ) {
        for extent in extents {
            let number = extent.piece.number
            if progress[number] == nil {
                let states = Array(repeating: ExtentState.free, count: geometry.extentCount(of: extent.piece))
                progress[number] = Progress(
                    extents: states, needsSoleSource: distrusted.contains(number), begun: now, isSpared: isSpared,
                    lastProgress: now)
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
        let slow = min(.seconds(usualTime * limits.stealSlowness), limits.longestStealAfter)
        let patience = max(limits.stealAfter, slow)
        for (number, entry) in progress where !entry.needsSoleSource {
            guard let piece = geometry.piece(number), pieces.contains(piece) else { continue }
            for (place, state) in entry.extents.enumerated() {
                guard case .assigned(let holders, let since) = state, holders.count < limits.extentHolders,
                    now - since > patience * holders.count, !holders.contains(id)
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
            guard pieces.contains(piece), disputes[piece.number] == nil, let entry = progress[piece.number],
                entry.soleSource != id,
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
            // What is in dispute is all here, and its sources are on record.
            guard disputes[number] == nil, let piece = geometry.piece(number), let entry = progress[number] else {
                continue
            }
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

    // MARK: Storing

    /// The connection that filled an extent asks to store it.
    /// - Returns: the connections that were fetching it as well and may stop; `nil` when `id` no longer holds it.
    mutating func beginStoring(
        _ extent: Extent, by id: Swarm.ConnectionID, now: Duration
    ) -> [Swarm.ConnectionID]? {
        guard case .assigned(let holders, let since) = state(of: extent), holders.contains(id) else { return nil }
        // One that takes for ever is not usual.
        let time = min((now - since).seconds, 10)
        usualTime = usualTime == 0 ? time : usualTime * 0.9 + time * 0.1
        set(extent, .storing(id))
        return holders.filter { $0 != id }
    }

    /// - Parameter hashes: of the extent's ``loan(_:)``.
    mutating func stored(
        _ extent: Extent, hashes: LoanHashes, by id: Swarm.ConnectionID, now: Duration
    ) -> Stored {
        let number = extent.piece.number
        guard let entry = progress[number], state(of: extent) == .storing(id) else { return .unfinished }
        guard !entry.needsSoleSource || entry.soleSource == id else {
            // The piece has meanwhile been given to somebody else, who must deliver all of it.
            free(extent, by: id)
            return .unfinished
        }
        let loan = loan(extent)
        guard hashes.leaves.count == loan.blockCount else {
            free(extent, by: id)
            return .unfinished
        }
        progress[number]?.lastProgress = now
        if let wrong = progress[number]?.repair?.check(loan, hashes.leaves) {
            guard wrong == 0, let leaves = progress[number]?.repair?.leaves(of: extent) else {
                set(extent, .free)
                return .wrong
            }
            set(extent, .stored(id, LoanHashes(leaves, of: Loan(extent), geometry: geometry)))
        } else {
            set(extent, .stored(id, hashes))
        }
        return finished(extent.piece).map { .finished($0) } ?? .unfinished
    }

    /// What the piece hashes from, when all of its extents are stored.
    private func finished(_ piece: PieceIndex) -> Finished? {
        var roots: [SHA256Digest] = []
        var leaves: [[SHA256Digest]] = []
        var sources: [Swarm.ConnectionID] = []
        for state in progress[piece.number]?.extents ?? [] {
            guard case .stored(let source, let hashes) = state, let root = hashes.root else { return nil }
            roots.append(root)
            leaves.append(hashes.leaves)
            sources.append(source)
        }
        return Finished(roots: roots, leaves: leaves, sources: sources)
    }

    /// The piece's bytes were right.
    /// - Returns: who brought something else for it when it failed before, which is now proven to be wrong.
    mutating func verified(_ piece: PieceIndex, _ finished: Finished) -> Set<Swarm.ConnectionID> {
        drop(piece)
        have.insert(piece)
        distrusted.remove(piece.number)
        return liars(of: piece, accordingTo: finished.roots)
    }

    /// Who brought what did not match at the last attempt, now that the right roots are known; asked once.
    mutating func liars(of piece: PieceIndex, accordingTo roots: [SHA256Digest]) -> Set<Swarm.ConnectionID> {
        guard let before = failed.removeValue(forKey: piece.number) else { return [] }
        return Set(zip(before.sources, zip(before.roots, roots)).filter { $1.0 != $1.1 }.map(\.0))
    }

    func state(of extent: Extent) -> ExtentState? {
        guard let entry = progress[extent.piece.number], extent.number < entry.extents.count else { return nil }
        return entry.extents[extent.number]
    }

    mutating func set(_ extent: Extent, _ state: ExtentState) {
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
    mutating func tidy(_ piece: PieceIndex) {
        guard let entry = progress[piece.number], entry.repair == nil, entry.extents.allSatisfy({ $0 == .free })
        else { return }
        drop(piece)
    }

    mutating func drop(_ piece: PieceIndex) {
        progress[piece.number] = nil
        started.remove(piece)
        unfinished.remove(piece)
    }
}
