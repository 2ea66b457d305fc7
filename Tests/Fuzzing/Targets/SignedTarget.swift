// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Metainfo
import Trust

extension FuzzTarget {
    /// What trackers and files say that publishers have signed: an envelope reads back as it was written, and whatever is
    /// believed holds together. An input is also taken for the payload of an envelope whose signature holds, so that what
    /// stands behind signatures is reached too.
    static let signed = FuzzTarget("signed") { bytes in
        if let envelope = try? SignedEnvelope(json: bytes) {
            try expectEqual(try SignedEnvelope(json: envelope.json), envelope, "the envelope read again")
            try believe(envelope)
        }
        let key = try unwrap(SigningKey(seed: [UInt8](repeating: 1, count: SigningKey.seedByteCount)), "no key")
        for type in [MasterStatement.payloadType, LinePointer.payloadType, TrustRoot.payloadType] {
            var envelope = SignedEnvelope(payloadType: type, payload: Data(bytes))
            try envelope.sign(with: key)
            try believe(envelope)
        }
    }

    private static func believe(_ envelope: SignedEnvelope) throws {
        let key = try unwrap(
            SigningKey(seed: [UInt8](repeating: 1, count: SigningKey.seedByteCount))?.publicKey, "no key")
        var ledger = TrustLedger(
            root: TrustRoot(serial: 1, threshold: 1, keys: [TrustRoot.Publisher(name: "one", key: key)]))
        let now: Int64 = 1_000_000
        if let pointer = try? ledger.accept(pointer: envelope, of: "x", now: now) {
            try expect(pointer.name == "x" && pointer.isSound, "a pointer of another line")
            try expect(pointer.created <= now + TrustLedger.clockTolerance, "a pointer from the future")
        }
        let name = try unwrap(MasterName(name: "x", version: 2), "no name")
        if let statement = try? ledger.accept(statement: envelope, of: name, active: 1, now: now) {
            try expect(statement.master == name && statement.expires > now, "a statement that does not hold")
            try expect(!ledger.isRevoked(name), "a revoked master is believed")
            try expectEqual(ledger.lines["x"]?.highest, 2, "the highest version")
        }
        let before = ledger.root.serial
        if (try? ledger.replaceRoot(envelope)) != nil {
            try expect(ledger.root.serial >= before && ledger.root.isSound, "an older root")
        }
    }
}
