// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// A statement with the signatures under it, in the form of DSSE 1.0 (Dead Simple Signing Envelope), so that other tools
/// can check it too.
///
/// What is signed is the payload's bytes as they are, with their type: nothing is parsed before its signatures were
/// counted, and no two spellings of the same JSON can be taken for each other.
package struct SignedEnvelope: Codable, Hashable, Sendable {
    /// The longest payload in bytes.
    package static let payloadLimit = 256 << 10
    /// The longest envelope in bytes, as JSON.
    package static let byteLimit = 512 << 10
    /// The most signatures that are looked at.
    package static let signatureLimit = 64

    /// One signature, and the ``PublisherKey/id`` of the key it is said to be by.
    package struct Signature: Codable, Hashable, Sendable {
        package var keyid: String
        /// 64 bytes.
        package var sig: Data
    }

    package var payloadType: String
    package var payload: Data
    package var signatures: [Signature]

    /// A payload that nobody has signed yet, whatever it says.
    package init(payloadType: String, payload: Data) {
        self.payloadType = payloadType
        self.payload = payload
        signatures = []
    }

    /// A statement that nobody has signed yet.
    package init(_ statement: some SignedStatement) throws(TrustRefusal) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let payload = try? encoder.encode(statement), payload.count <= Self.payloadLimit else {
            throw TrustRefusal(.malformed, "the statement is too long to be signed")
        }
        payloadType = type(of: statement).payloadType
        self.payload = payload
        signatures = []
    }

    /// Reads an envelope as files and trackers have it.
    /// - Throws: ``TrustRefusal`` with `.malformed`.
    package init(json: some Collection<UInt8>) throws(TrustRefusal) {
        guard json.count <= Self.byteLimit,
            let envelope = try? JSONDecoder().decode(SignedEnvelope.self, from: Data(json)),
            envelope.payload.count <= Self.payloadLimit, envelope.signatures.count <= Self.signatureLimit
        else { throw TrustRefusal(.malformed, "it is not a signed statement") }
        self = envelope
    }

    /// The envelope as JSON, one line.
    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // An envelope is strings and bytes: there is nothing in it that JSON cannot hold.
        return ((try? encoder.encode(self)).map { Array($0) } ?? []) + [0x0a]
    }

    /// The statement's JSON, when it is written as this code writes it: what is shown is then all that is signed.
    /// - Throws: ``TrustRefusal`` with `.malformed`.
    package func legible<Statement: SignedStatement>(_ type: Statement.Type) throws(TrustRefusal) -> String {
        let statement = try unchecked(type)
        guard try SignedEnvelope(statement).payload == payload else {
            throw TrustRefusal(.malformed, "it says more than can be shown; do not sign it")
        }
        return String(decoding: payload, as: UTF8.self)
    }

    /// Adds a signature; one that the same key gave before is replaced.
    /// - Throws: ``TrustRefusal`` with `.malformed` when there are too many, or the key cannot sign.
    package mutating func sign(with key: SigningKey) throws(TrustRefusal) {
        guard let id = key.publicKey?.id, let signature = key.signature(of: signedBytes) else {
            throw TrustRefusal(.malformed, "the key cannot sign")
        }
        signatures.removeAll { $0.keyid == id }
        guard signatures.count < Self.signatureLimit else {
            throw TrustRefusal(.malformed, "there are \(signatures.count) signatures already, which is the most")
        }
        signatures.append(Signature(keyid: id, sig: Data(signature)))
    }

    /// The same statement with the signatures of both, or `nil` when it is another one.
    package func joined(with other: SignedEnvelope) -> SignedEnvelope? {
        guard payloadType == other.payloadType, payload == other.payload else { return nil }
        var joined = self
        let known = Set(signatures)
        joined.signatures += other.signatures.filter { !known.contains($0) }
        joined.signatures = Array(joined.signatures.prefix(Self.signatureLimit))
        return joined
    }

    /// The statement, when enough of the root's publishers have signed it.
    /// - Throws: ``TrustRefusal``: `.unknownKey`, `.badSignature`, `.tooFewSignatures`, or `.malformed`.
    package func statement<Statement: SignedStatement>(
        _ type: Statement.Type, signedBy root: TrustRoot
    ) throws(TrustRefusal) -> Statement {
        try check(signedBy: root)
        return try unchecked(type)
    }

    /// The statement, whoever has signed it: for showing, for adding a signature, and for the root that is its own
    /// authority.
    /// - Throws: ``TrustRefusal`` with `.malformed`.
    package func unchecked<Statement: SignedStatement>(_ type: Statement.Type) throws(TrustRefusal) -> Statement {
        guard payloadType == Statement.payloadType else {
            throw TrustRefusal(.malformed, "it is not \(Statement.noun) but of the type \(payloadType.prefix(80))")
        }
        guard let statement = try? JSONDecoder().decode(type, from: payload), statement.isSound else {
            throw TrustRefusal(
                .malformed, "\(Statement.noun) in it cannot be understood; a newer version may have made it")
        }
        return statement
    }

    /// The names under which the root knows those whose signatures hold.
    package func signers(of root: TrustRoot) -> [String] {
        let message = signedBytes
        return root.keys.filter { publisher in
            signatures.contains {
                $0.keyid == publisher.key.id && publisher.key.isSignature(Array($0.sig), of: message)
            }
        }.map(\.name)
    }

    private func check(signedBy root: TrustRoot) throws(TrustRefusal) {
        let count = signers(of: root).count
        guard count < root.threshold else { return }
        let claimed = Set(signatures.map(\.keyid)).intersection(root.keys.map(\.key.id)).count
        let needed = "\(root.threshold) of \(root.keys.count) publishers must sign it"
        if claimed == 0, !signatures.isEmpty {
            throw TrustRefusal(.unknownKey, "it is signed by nobody this host trusts; \(needed)")
        }
        if claimed > count {
            throw TrustRefusal(.badSignature, "\(claimed - count) of its signatures do not hold; \(needed)")
        }
        throw TrustRefusal(
            .tooFewSignatures, "it has \(count) of the \(root.threshold) signatures that it needs; \(needed)")
    }

    /// What signatures are made over: DSSE's pre-authentication encoding.
    private var signedBytes: [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }
}

/// Something that publishers sign.
package protocol SignedStatement: Codable, Hashable, Sendable {
    /// The envelope's type, which keeps a statement of one kind from being taken for another.
    static var payloadType: String { get }
    /// What people call it, with its article.
    static var noun: String { get }
    /// Whether its fields make sense together.
    var isSound: Bool { get }
}
