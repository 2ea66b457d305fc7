// SPDX-License-Identifier: Apache-2.0

import Metainfo

import Trust

/// Publishers with known keys, and what they sign.
struct Publishers {
    static let now: Int64 = 1_800_000_000
    static let year: Int64 = 365 * 86_400

    let keys: [SigningKey]

    /// - Parameter first: the first byte of the first key's seed, so that other publishers are other people.
    init(_ count: Int, from first: UInt8 = 1) throws {
        keys = try (0..<count).map { index in
            try found(SigningKey(seed: [UInt8](repeating: first + UInt8(index), count: 32)))
        }
    }

    func root(_ threshold: Int, serial: Int = 1) throws -> TrustRoot {
        TrustRoot(
            serial: serial, threshold: threshold,
            keys: try keys.enumerated().map { index, key in
                TrustRoot.Publisher(name: "publisher-\(index)", key: try found(key.publicKey))
            })
    }

    /// Signed by the first `count` of them.
    func sign(_ statement: some SignedStatement, _ count: Int) throws -> SignedEnvelope {
        var envelope = try SignedEnvelope(statement)
        for key in keys.prefix(count) { try envelope.sign(with: key) }
        return envelope
    }

    static func master(_ version: Int, _ name: String = "debian") throws -> MasterName {
        try found(MasterName(name: name, version: version))
    }

    static func statement(
        _ version: Int, name: String = "debian", content: UInt8? = nil, created: Int64 = now,
        expires: Int64 = now + year,
        follows: Int? = nil
    ) throws -> MasterStatement {
        MasterStatement(
            name: try master(version, name), infoHashV2: digest(content ?? UInt8(truncatingIfNeeded: version)),
            size: 1 << 30, created: created, expires: expires, follows: follows)
    }

    static func pointer(
        _ serial: Int, to current: Int?, over overrules: Int? = nil, revoked: [Int] = [], name: String = "debian",
        created: Int64 = now, expires: Int64 = now + year
    ) -> LinePointer {
        LinePointer(
            name: name, serial: serial, current: current, overrules: current == nil ? nil : overrules ?? current,
            revoked: revoked, created: created, expires: expires)
    }

    static func digest(_ content: UInt8) -> SHA256Digest { SHA256Digest(hashing: [content]) }
}

struct Missing: Error {}

/// What must be there in a fixture.
func found<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}
