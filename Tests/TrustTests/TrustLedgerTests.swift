// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing

import Trust

/// The attacks that The Update Framework (TUF §1.5.2, and its conformance cases) names, each refused with its own code.
@Suite final class TrustLedgerTests {
    let publishers: Publishers
    var ledger: TrustLedger

    init() throws {
        publishers = try Publishers(3)
        ledger = TrustLedger(root: try publishers.root(2))
    }

    private func accept(
        _ statement: MasterStatement, signers: Int = 2, as version: Int? = nil, active: Int? = nil,
        at now: Int64 = Publishers.now
    ) throws {
        try ledger.accept(
            statement: publishers.sign(statement, signers), of: Publishers.master(version ?? statement.version),
            active: active, now: now)
    }

    private func accept(_ pointer: LinePointer, signers: Int = 2, at now: Int64 = Publishers.now) throws {
        try ledger.accept(pointer: publishers.sign(pointer, signers), of: "debian", now: now)
    }

    /// Expects a refusal with a code, and the ledger untouched.
    private func refuses(
        _ code: TrustRefusal.Code, _ body: (TrustLedgerTests) throws -> Void, _ place: SourceLocation = #_sourceLocation
    ) {
        let before = ledger
        do {
            try body(self)
            Issue.record("it was accepted", sourceLocation: place)
        } catch {
            #expect((error as? TrustRefusal)?.code == code, "\(error)", sourceLocation: place)
        }
        #expect(ledger == before, sourceLocation: place)
    }

    @Test func `what enough publishers signed is accepted and remembered`() throws {
        try accept(Publishers.statement(3))
        #expect(ledger.lines["debian"]?.highest == 3)
        try accept(Publishers.statement(3))
        try accept(Publishers.statement(5), signers: 3)
        #expect(ledger.lines["debian"]?.highest == 5)
    }

    @Test func `too few signatures are refused`() throws {
        refuses(.tooFewSignatures) { try $0.accept(Publishers.statement(1), signers: 1) }
        refuses(.tooFewSignatures) { try $0.accept(Publishers.statement(1), signers: 0) }
    }

    @Test func `the same signature twice counts once`() throws {
        var envelope = try publishers.sign(Publishers.statement(1), 1)
        envelope.signatures += envelope.signatures
        refuses(.tooFewSignatures) {
            try $0.ledger.accept(statement: envelope, of: Publishers.master(1), active: nil, now: Publishers.now)
        }
    }

    @Test func `the same key twice in a root is no root`() throws {
        let key = try publishers.root(1).keys[0]
        let root = TrustRoot(
            serial: 1, threshold: 2, keys: [key, TrustRoot.Publisher(name: "again", key: key.key)])
        #expect(!root.isSound)
    }

    @Test func `strangers' signatures are refused`() throws {
        let strangers = try Publishers(3, from: 90)
        let envelope = try strangers.sign(Publishers.statement(1), 3)
        refuses(.unknownKey) {
            try $0.ledger.accept(statement: envelope, of: Publishers.master(1), active: nil, now: Publishers.now)
        }
    }

    @Test func `a changed payload breaks its signatures`() throws {
        let honest = try publishers.sign(Publishers.statement(1), 2)
        var forged = try SignedEnvelope(Publishers.statement(9))
        forged.signatures = honest.signatures
        refuses(.badSignature) {
            try $0.ledger.accept(statement: forged, of: Publishers.master(9), active: nil, now: Publishers.now)
        }
    }

    @Test func `a signature of one kind of statement is none of another`() throws {
        var envelope = try publishers.sign(Publishers.pointer(1, to: 1), 2)
        refuses(.malformed) {
            try $0.ledger.accept(statement: envelope, of: Publishers.master(1), active: nil, now: Publishers.now)
        }
        envelope.payloadType = MasterStatement.payloadType
        refuses(.badSignature) {
            try $0.ledger.accept(statement: envelope, of: Publishers.master(1), active: nil, now: Publishers.now)
        }
    }

    @Test func `an older version than was seen is a rollback`() throws {
        try accept(Publishers.statement(5))
        refuses(.rollback) { try $0.accept(Publishers.statement(4)) }
    }

    @Test func `a signed pointer allows the way back, and only to where it points`() throws {
        try accept(Publishers.statement(5))
        try accept(Publishers.pointer(1, to: 3, over: 5))
        try accept(Publishers.statement(3))
        refuses(.rollback) { try $0.accept(Publishers.statement(4)) }
        refuses(.rollback) { try $0.accept(Publishers.statement(5)) }
        try accept(Publishers.statement(6))
        #expect(ledger.lines["debian"]?.highest == 6)
        refuses(.rollback) { try $0.accept(Publishers.statement(3)) }
    }

    @Test func `when what was pointed back to is revoked too, what it went back from stays away`() throws {
        try accept(Publishers.statement(5))
        try accept(Publishers.pointer(1, to: 3, over: 5))
        try accept(
            LinePointer(
                name: "debian", serial: 2, current: nil, overrules: 5, revoked: [3], created: Publishers.now,
                expires: Publishers.now + Publishers.year))
        refuses(.rollback) { try $0.accept(Publishers.statement(5)) }
        refuses(.revoked) { try $0.accept(Publishers.statement(3)) }
        try accept(Publishers.statement(6))
    }

    @Test
    func `what is here may be used although something newer was seen, but never what is older than the active one`()
        throws
    {
        try accept(Publishers.statement(4))
        try accept(Publishers.statement(5))
        refuses(.rollback) { try $0.accept(Publishers.statement(4)) }
        let envelope = try publishers.sign(Publishers.statement(4), 2)
        let name = try Publishers.master(4)
        try ledger.accept(statement: envelope, of: name, for: .using, active: 3, now: Publishers.now)
        refuses(.rollback) {
            try $0.ledger.accept(statement: envelope, of: name, for: .using, active: 5, now: Publishers.now)
        }
    }

    @Test func `there is always a next serial`() throws {
        #expect(!Publishers.pointer(.max, to: 1).isSound)
        #expect(Publishers.pointer(LinePointer.serialLimit, to: 1).isSound)
    }

    @Test func `the way back is not open for ever`() throws {
        try accept(Publishers.statement(5))
        try accept(Publishers.pointer(1, to: 3, over: 5, expires: Publishers.now + 60))
        refuses(.expired) { try $0.accept(Publishers.statement(3), at: Publishers.now + 61) }
    }

    @Test func `an old pointer is not obeyed again`() throws {
        try accept(Publishers.pointer(1, to: 3, over: 5))
        try accept(Publishers.pointer(2, to: 5))
        refuses(.rollback) { try $0.accept(Publishers.pointer(1, to: 3, over: 5)) }
        try accept(Publishers.pointer(2, to: 5))
        refuses(.mixAndMatch) { try $0.accept(Publishers.pointer(2, to: 3, over: 5)) }
    }

    @Test func `what has expired is refused, and is called frozen when nothing newer is known`() throws {
        refuses(.expired) { try $0.accept(Publishers.statement(1), at: Publishers.now + Publishers.year) }
        try accept(Publishers.statement(1))
        refuses(.frozen) { try $0.accept(Publishers.statement(1), at: Publishers.now + Publishers.year) }
        try accept(
            Publishers.statement(1, expires: Publishers.now + 2 * Publishers.year), at: Publishers.now + Publishers.year
        )
    }

    @Test func `a statement from the future tells that a clock is wrong`() throws {
        let later = Publishers.now + TrustLedger.clockTolerance
        try accept(Publishers.statement(1, created: later))
        refuses(.clockSuspect) { try $0.accept(Publishers.statement(2, created: later + 1)) }
    }

    @Test func `one version never stands for two contents`() throws {
        try accept(Publishers.statement(4, content: 1))
        refuses(.mixAndMatch) { try $0.accept(Publishers.statement(4, content: 2)) }
    }

    @Test func `a statement is good for the name and version asked for and no other`() throws {
        refuses(.mixAndMatch) { try $0.accept(Publishers.statement(4), as: 3) }
        let other = try publishers.sign(Publishers.statement(4, name: "fedora"), 2)
        refuses(.mixAndMatch) {
            try $0.ledger.accept(statement: other, of: Publishers.master(4), active: nil, now: Publishers.now)
        }
        refuses(.mixAndMatch) { try $0.accept(Publishers.pointer(1, to: 1, name: "fedora")) }
    }

    @Test func `a torrent of other content is not what was signed`() throws {
        let statement = try Publishers.statement(4)
        let right = InfoHashes(v1: nil, v2: Publishers.digest(4))
        try TrustLedger.check(statement, isAbout: right, size: 1 << 30)
        for (hashes, size) in [
            (right, Int64(1)), (InfoHashes(v1: nil, v2: Publishers.digest(5)), 1 << 30),
            (InfoHashes(v1: nil, v2: nil), 1 << 30),
        ] {
            #expect(throws: TrustRefusal.self) { try TrustLedger.check(statement, isAbout: hashes, size: size) }
        }
    }

    @Test func `a revoked version stays revoked`() throws {
        try accept(Publishers.statement(4))
        try accept(Publishers.pointer(1, to: nil, revoked: [4]))
        #expect(ledger.isRevoked(try Publishers.master(4)))
        refuses(.revoked) { try $0.accept(Publishers.statement(4)) }
        try accept(Publishers.pointer(2, to: nil))
        refuses(.revoked) { try $0.accept(Publishers.statement(4)) }
    }

    @Test func `a barrier holds for hosts that are below it`() throws {
        refuses(.barrier) { try $0.accept(Publishers.statement(9, follows: 6), active: 5) }
        try accept(Publishers.statement(9, follows: 6), active: 6)
        try accept(Publishers.statement(10, follows: 6), active: nil)
    }

    @Test func `a new root needs the publishers of the old one and its own`() throws {
        let successors = try Publishers(3, from: 2)  // two of three are the same people
        let next = try successors.root(2, serial: 2)
        refuses(.tooFewSignatures) { try $0.ledger.replaceRoot(successors.sign(next, 1)) }
        let stranger = try Publishers(2, from: 40)
        refuses(.unknownKey) { try $0.ledger.replaceRoot(stranger.sign(stranger.root(2, serial: 2), 2)) }
        try ledger.replaceRoot(successors.sign(next, 2))
        #expect(ledger.root == next)
        refuses(.rollback) { try $0.ledger.replaceRoot(publishers.sign(publishers.root(2), 3)) }
    }

    @Test func `a root that takes a stolen key away forgets how far that key has run ahead`() throws {
        try accept(Publishers.statement(9999))
        try accept(Publishers.pointer(1, to: nil, revoked: [2]))
        let successors = try Publishers(3, from: 2)
        try ledger.replaceRoot(successors.sign(successors.root(2, serial: 2), 3))
        try ledger.accept(
            statement: successors.sign(Publishers.statement(10), 2), of: Publishers.master(10), active: nil,
            now: Publishers.now)
        refuses(.revoked) {
            try $0.ledger.accept(
                statement: successors.sign(Publishers.statement(2), 2), of: Publishers.master(2), active: nil,
                now: Publishers.now)
        }
    }

    @Test func `a root that adds a publisher forgets nothing`() throws {
        try accept(Publishers.statement(9))
        let more = try Publishers(4)
        try ledger.replaceRoot(more.sign(more.root(2, serial: 2), 2))
        refuses(.rollback) { try $0.accept(Publishers.statement(8)) }
    }
}
