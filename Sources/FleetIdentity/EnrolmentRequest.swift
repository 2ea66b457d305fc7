// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials

/// How a host asks to be taken into a fleet. Nothing in it is secret, and nothing of it is of use for another key or name.
package struct EnrolmentRequest: Codable, Sendable {
    private static let purpose = "drover-enrol-1"

    /// The name that the host would like; whether it gets it is for the tracker to say.
    package let host: String
    /// A ``CertificateRequest``.
    package let request: String
    /// The token's public key and its signature, in hexadecimal.
    private let token: String
    private let signature: String

    /// - Throws: ``IdentityRefusal/unwritable``.
    package init(host: String, key: IdentityKey, token: EnrolmentToken) throws(IdentityRefusal) {
        self.host = host
        request = try CertificateRequest(for: key).pem
        self.token = Hexadecimal.text(token.key.publicKey.rawRepresentation)
        guard let signature = try? token.key.signature(for: Self.signed(host, request)) else { throw .unwritable }
        self.signature = Hexadecimal.text(signature)
    }

    /// What the request proves.
    /// - Returns: the digest of the token that its sender holds, and the key to be certified.
    /// - Throws: ``IdentityRefusal``; `.unproven` unless the token's holder asks for just this.
    package func proven() throws(IdentityRefusal) -> (digest: [UInt8], request: CertificateRequest) {
        guard let bytes = Hexadecimal.bytes(token), let signature = Hexadecimal.bytes(signature),
            let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes),
            publicKey.isValidSignature(signature, for: Self.signed(host, request))
        else { throw .unproven }
        return (EnrolmentToken.digest(of: bytes), try CertificateRequest(pem: request))
    }

    private static func signed(_ host: String, _ request: String) -> Data {
        Data("\(purpose)\0\(host)\0\(request)".utf8)
    }
}

/// What the tracker answers: the host's certificate and that of the authority.
package struct EnrolmentAnswer: Codable, Sendable {
    /// The longest one that is read, in bytes of JSON.
    package static let byteLimit = 64 << 10

    package let certificate: String
    package let authority: String

    package init(certificate: FleetCertificate, authority: FleetAnchor) {
        self.certificate = certificate.pem
        self.authority = authority.pem
    }

    /// The identity that a host gets by it.
    /// - Parameter fingerprint: the fleet's, known from elsewhere.
    /// - Throws: ``IdentityRefusal``; `.foreign` when somebody else than the fleet answered.
    package func identity(of key: IdentityKey, fingerprint: String, now: Date) async throws(IdentityRefusal)
        -> HostIdentity
    {
        let anchor = try FleetAnchor(pem: authority)
        guard anchor.fingerprint == fingerprint else { throw .foreign }
        let certificate = try FleetCertificate(pem: certificate)
        try await CertificateCheck(anchor: anchor).check(certificate, now: now)
        guard case .host = certificate.holder else { throw .wrongHolder }
        return try HostIdentity(anchor: anchor, certificate: certificate, key: key)
    }
}
