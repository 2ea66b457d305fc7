// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What a host trusts and has seen: the pinned root, and of every line of masters the highest version, the newest
/// pointer and what was revoked. It only ever moves forward.
///
/// Decisions are made here and nothing is written: whoever holds the ledger makes it durable *before* using what it
/// accepted, so that a crash cannot make a host forget.
package struct TrustLedger: Codable, Equatable, Sendable {
    /// The most lines a host keeps books on.
    package static let lineLimit = 10_000
    /// Of how many versions of a line, the highest ones, the content is remembered.
    package static let rememberedVersions = 64
    /// By how many seconds two hosts' clocks may differ.
    package static let clockTolerance: Int64 = 600

    /// What has been seen of one line.
    package struct Line: Codable, Equatable, Sendable {
        /// The highest version that was ever accepted; 0 for none.
        package internal(set) var highest = 0
        /// Of accepted versions, which content they stand for.
        package internal(set) var contents: [Int: String] = [:]
        package internal(set) var pointer: LinePointer?
        package internal(set) var revoked: Set<Int> = []
    }

    /// What a statement is wanted for.
    package enum Use: Sendable {
        /// What is older than anything seen is refused.
        case fetching
        /// The master is here, and was believed when it came: what is older than the active version is refused. A newer one
        /// that somebody keeps from completing must not hold this one up.
        case using
    }

    package private(set) var root: TrustRoot
    package private(set) var lines: [String: Line] = [:]

    /// A ledger that has seen nothing.
    package init(root: TrustRoot) { self.root = root }

    /// Puts a later root in the place of this one. Where that takes keys away, what was seen under them may have been
    /// made with a stolen key, so that the highest versions and pointers are forgotten; what was revoked stays.
    /// - Throws: ``TrustRefusal``.
    package mutating func replaceRoot(_ envelope: SignedEnvelope) throws(TrustRefusal) {
        let next = try root.successor(envelope)
        let kept = Set(next.keys.map(\.key))
        if !root.keys.allSatisfy({ kept.contains($0.key) }) {
            lines = lines.mapValues { line in
                var fresh = Line()
                fresh.revoked = line.revoked
                return fresh
            }.filter { !$0.value.revoked.isEmpty }
        }
        root = next
    }

    /// Takes in what publishers say of a line.
    /// - Parameter now: seconds since 1970.
    /// - Returns: the pointer; the same one again is no error.
    /// - Throws: ``TrustRefusal``.
    @discardableResult
    package mutating func accept(
        pointer envelope: SignedEnvelope, of name: String, now: Int64
    ) throws(TrustRefusal) -> LinePointer {
        let pointer = try envelope.statement(LinePointer.self, signedBy: root)
        guard pointer.name == name else {
            throw TrustRefusal(.mixAndMatch, "it is about \(pointer.name), not \(name)")
        }
        var line = try line(name)
        if let known = line.pointer {
            guard pointer.serial >= known.serial else {
                throw TrustRefusal(
                    .rollback,
                    "its serial is \(pointer.serial), and this host has seen pointer \(known.serial) of \(name)")
            }
            guard pointer.serial > known.serial || pointer == known else {
                throw TrustRefusal(
                    .mixAndMatch,
                    "another pointer \(known.serial) of \(name) was signed before; publish one with a higher serial")
            }
        }
        try Self.check(created: pointer.created, now)
        // What is revoked counts even when nothing else of an old pointer does.
        line.revoked.formUnion(pointer.revoked)
        guard line.revoked.count <= LinePointer.revokedLimit else {
            throw TrustRefusal(.malformed, "\(name) would have more than \(LinePointer.revokedLimit) revoked versions")
        }
        line.pointer = pointer
        lines[name] = line
        return pointer
    }

    /// Takes in what publishers say of a version, and decides whether this host may fetch and use it.
    /// - Parameters:
    ///   - master: what was asked for.
    ///   - active: the version that the host has active, if any.
    ///   - now: seconds since 1970.
    /// - Throws: ``TrustRefusal``; the ledger is as it was then.
    @discardableResult
    package mutating func accept(
        statement envelope: SignedEnvelope, of master: MasterName, for use: Use = .fetching, active: Int?, now: Int64
    ) throws(TrustRefusal) -> MasterStatement {
        let statement = try envelope.statement(MasterStatement.self, signedBy: root)
        guard let about = statement.master, about == master else {
            throw TrustRefusal(.mixAndMatch, "it is about \(statement.name)@\(statement.version), not \(master)")
        }
        var line = try line(master.name)
        try Self.check(created: statement.created, now)
        guard !line.revoked.contains(master.version) else {
            throw TrustRefusal(.revoked, "\(master) was revoked by its publishers")
        }
        if let content = line.contents[master.version], content != statement.infoHashV2 {
            throw TrustRefusal(.mixAndMatch, "\(master) was signed before with other content; publish a higher version")
        }
        guard statement.expires > now else {
            let isNewest = master.version >= line.highest
            throw TrustRefusal(
                isNewest && line.highest > 0 ? .frozen : .expired,
                isNewest && line.highest > 0
                    ? "the statement about \(master) has expired, and nothing newer of \(master.name) is known; a tracker "
                        + "may be holding it back, or it has to be signed anew"
                    : "the statement about \(master) has expired; sign it anew")
        }
        try checkPlace(master, line, floor: use == .fetching ? line.highest : min(line.highest, active ?? 0), now)
        if let follows = statement.follows, let active, active < follows {
            throw TrustRefusal(
                .barrier,
                "\(master) may follow \(master.name)@\(follows) or later, and this host has \(active); go there first")
        }
        line.remember(statement)
        lines[master.name] = line
        return statement
    }

    /// Whether the publishers have withdrawn a version.
    package func isRevoked(_ master: MasterName) -> Bool {
        lines[master.name]?.revoked.contains(master.version) ?? false
    }

    /// Compares what is to be fetched with what was signed.
    /// - Throws: ``TrustRefusal`` with `.mixAndMatch`.
    package static func check(
        _ statement: MasterStatement, isAbout hashes: InfoHashes, size: Int64
    ) throws(TrustRefusal) {
        guard statement.isAbout(hashes, size: size) else {
            throw TrustRefusal(
                .mixAndMatch,
                "the torrent is not of the content that was signed as \(statement.name)@\(statement.version)")
        }
    }

    /// Refuses versions that are older than ``floor``, and those that a pointer has gone back from.
    private func checkPlace(_ master: MasterName, _ line: Line, floor: Int, _ now: Int64) throws(TrustRefusal) {
        guard let pointer = line.pointer, let overrules = pointer.overrules, master.version <= overrules else {
            guard master.version >= floor else { throw .older(master, floor) }
            return
        }
        guard master.version == pointer.current else {
            let place =
                pointer.current.map { "pointed \(master.name) to \(master.name)@\($0)" }
                ?? "withdrawn the line's newest"
            throw TrustRefusal(.rollback, "the publishers have \(place); \(master) is not to be used any more")
        }
        guard master.version < floor else { return }
        // The way back ends where the line has gone on.
        guard floor <= overrules else { throw .older(master, floor) }
        guard pointer.expires > now else {
            throw TrustRefusal(.expired, "the pointer back to \(master) has expired; sign one anew")
        }
    }

    private func line(_ name: String) throws(TrustRefusal) -> Line {
        if let line = lines[name] { return line }
        guard lines.count < Self.lineLimit else {
            throw TrustRefusal(
                .malformed, "this host keeps books on \(Self.lineLimit) lines already, which is the most")
        }
        return Line()
    }

    private static func check(created: Int64, _ now: Int64) throws(TrustRefusal) {
        guard created <= now + clockTolerance else {
            throw TrustRefusal(
                .clockSuspect, "it was signed \(created - now) s in the future by this host's clock; set the clock")
        }
    }
}

extension TrustLedger.Line {
    fileprivate mutating func remember(_ statement: MasterStatement) {
        highest = max(highest, statement.version)
        contents[statement.version] = statement.infoHashV2
        while contents.count > TrustLedger.rememberedVersions, let oldest = contents.keys.min() {
            contents[oldest] = nil
        }
    }
}

extension TrustRefusal {
    fileprivate static func older(_ master: MasterName, _ floor: Int) -> TrustRefusal {
        TrustRefusal(
            .rollback,
            "this host has seen \(master.name)@\(floor); going back to \(master) takes a newer signed pointer "
                + "(`drover master point \(master)`)")
    }
}
