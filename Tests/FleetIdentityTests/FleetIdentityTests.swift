// SPDX-License-Identifier: Apache-2.0

import Crypto
import FleetIdentity
import FoundationEssentials
import SwiftASN1
import Testing
import X509

/// A fleet of a test, at a time of its own.
private struct Fleet {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let authority: FleetAuthority

    init() throws { authority = try FleetAuthority(fleet: "test", now: now) }

    func host(_ name: String, days: Int = 30, at time: Date? = nil) throws -> (IdentityKey, FleetCertificate) {
        let key = IdentityKey()
        let holder = try #require(CertificateHolder.host(named: name))
        return (key, try authority.issue(CertificateRequest(for: key), to: holder, now: time ?? now, days: days))
    }

    /// What a check says of a certificate, in one word; `good` when nothing.
    func verdict(
        _ chain: [[UInt8]], after seconds: Double = 0, revoked: Set<String> = [],
        isHolder: (CertificateHolder) -> Bool = { _ in true }
    ) async -> String {
        do throws(IdentityRefusal) {
            _ = try await CertificateCheck(anchor: authority.anchor, revoked: revoked).check(
                chain, now: now.addingTimeInterval(seconds), isHolder: isHolder)
            return "good"
        } catch {
            return error.rawValue
        }
    }

    /// A certificate that the authority really signed, made by hand.
    func odd(
        uses: [ExtendedKeyUsage.Usage] = [.clientAuth, .serverAuth], names: [GeneralName], isAuthority: Bool = false
    ) throws -> [UInt8] {
        let signer = try Certificate.PrivateKey(pemEncoded: authority.secret.pem)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PrivateKey(P256.Signing.PrivateKey()).publicKey, notValidBefore: now,
            notValidAfter: now.addingTimeInterval(86_400),
            issuer: Certificate(pemEncoded: authority.anchor.pem).subject, subject: DistinguishedName(),
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                if isAuthority {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                KeyUsage(digitalSignature: true)
                try ExtendedKeyUsage(uses)
                SubjectAlternativeNames(names)
            }, issuerPrivateKey: signer)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}

@Suite struct FleetIdentityTests {
    static let day = 86_400.0

    @Test func `a host that was enrolled is taken, in its time and no other`() async throws {
        let fleet = try Fleet()
        let (_, certificate) = try fleet.host("rack1-7")
        #expect(certificate.holder == .host("rack1-7"))
        let cases: [(Double, String)] = [
            (0, "good"), (29 * Self.day, "good"), (30 * Self.day + 299, "good"), (30 * Self.day + 301, "expired"),
            (-599, "good"), (-601, "not-yet-valid"),
        ]
        for (seconds, word) in cases {
            #expect(await fleet.verdict([certificate.der], after: seconds) == word, "after \(seconds) s")
        }
        #expect(certificate.renewalTime > fleet.now.addingTimeInterval(19.9 * Self.day))
        #expect(certificate.renewalTime < fleet.now.addingTimeInterval(20 * Self.day))
    }

    @Test func `nothing, rubbish, another fleet's and the authority's own are refused`() async throws {
        let (fleet, other) = try (Fleet(), Fleet())
        let (_, certificate) = try fleet.host("a")
        let (_, foreign) = try other.host("a")
        #expect(await fleet.verdict([]) == "no-certificate")
        #expect(await fleet.verdict([[]]) == "unreadable")
        #expect(await fleet.verdict([Array(certificate.der.dropLast())]) == "unreadable")
        #expect(await fleet.verdict([[UInt8](repeating: 0x30, count: 100_000)]) == "unreadable")
        #expect(await fleet.verdict([foreign.der]) == "other-fleet")
        // Bringing the other authority along makes it no better.
        #expect(await fleet.verdict([foreign.der, other.authority.anchor.der]) == "other-fleet")
        #expect(await fleet.verdict([fleet.authority.anchor.der]) == "wrong-holder")
        // A bit that changes the name is a bit that was not signed.
        var bent = certificate.der
        let at = try #require(bent.firstRange(of: Array("drover://host/a".utf8)))
        bent[at.upperBound - 1] = UInt8(ascii: "b")
        #expect(await fleet.verdict([bent]) == "other-fleet")
    }

    @Test func `an authority of the same name is another one`() async throws {
        let fleet = try Fleet()
        let twin = try FleetAuthority(fleet: "test", now: fleet.now)
        let forged = try twin.issue(CertificateRequest(for: IdentityKey()), to: .host("a"), now: fleet.now)
        #expect(await fleet.verdict([forged.der]) == "other-fleet")
    }

    @Test func `the wrong use, the wrong holder and a revoked serial are told apart`() async throws {
        let fleet = try Fleet()
        let name = GeneralName.uniformResourceIdentifier("drover://host/a")
        #expect(await fleet.verdict([try fleet.odd(names: [name])]) == "good")
        #expect(await fleet.verdict([try fleet.odd(uses: [.clientAuth], names: [name])]) == "wrong-use")
        #expect(await fleet.verdict([try fleet.odd(uses: [.serverAuth], names: [name])]) == "wrong-use")
        #expect(await fleet.verdict([try fleet.odd(uses: [.codeSigning], names: [name])]) == "wrong-use")
        #expect(await fleet.verdict([try fleet.odd(names: [])]) == "wrong-holder")
        #expect(await fleet.verdict([try fleet.odd(names: [.dnsName("a")])]) == "wrong-holder")
        #expect(
            await fleet.verdict([try fleet.odd(names: [name, .uniformResourceIdentifier("drover://host/b")])])
                == "wrong-holder")
        for bad in ["drover://host/", "drover://host/A", "drover://host/a/b", "drover://host/.a", "https://host/a"] {
            #expect(
                await fleet.verdict([try fleet.odd(names: [.uniformResourceIdentifier(bad)])]) == "wrong-holder",
                "\(bad)")
        }
        let (_, certificate) = try fleet.host("a")
        #expect(await fleet.verdict([certificate.der], isHolder: { $0 == .host("b") }) == "wrong-holder")
        #expect(await fleet.verdict([certificate.der], revoked: [certificate.serial]) == "revoked")
        #expect(await fleet.verdict([certificate.der], revoked: ["00"]) == "good")
    }

    @Test func `a host cannot make others hosts`() async throws {
        let fleet = try Fleet()
        // Even one that the authority made an authority by mistake: only what it signed itself counts.
        let key = IdentityKey()
        let mistaken = try fleet.odd(names: [.uniformResourceIdentifier("drover://host/a")], isAuthority: true)
        let signer = try Certificate.PrivateKey(pemEncoded: key.pem)
        let below = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey,
            notValidBefore: fleet.now, notValidAfter: fleet.now.addingTimeInterval(86_400),
            issuer: Certificate(derEncoded: mistaken).subject, subject: DistinguishedName(),
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                KeyUsage(digitalSignature: true)
                try ExtendedKeyUsage([.clientAuth, .serverAuth])
                SubjectAlternativeNames([.uniformResourceIdentifier("drover://host/b")])
            }, issuerPrivateKey: signer)
        var serializer = DER.Serializer()
        try serializer.serialize(below)
        #expect(await fleet.verdict([serializer.serializedBytes, mistaken]) == "other-fleet")
    }

    @Test func `names in a request mean nothing, and a request must be signed with its own key`() async throws {
        let fleet = try Fleet()
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("root") }, privateKey: signer,
            attributes: CertificateSigningRequest.Attributes([
                .init(
                    ExtensionRequest(
                        extensions: Certificate.Extensions {
                            SubjectAlternativeNames([
                                .uniformResourceIdentifier("drover://host/other"), .dnsName("tracker"),
                            ])
                            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                        }))
            ]), signatureAlgorithm: .ecdsaWithSHA256)
        let pem = try request.serializeAsPEM().pemString
        let issued = try fleet.authority.issue(try CertificateRequest(pem: pem), to: .host("mine"), now: fleet.now)
        #expect(issued.holder == .host("mine"))
        let certificate = try Certificate(derEncoded: issued.der)
        #expect(try certificate.extensions.subjectAlternativeNames?.map(\.description).count == 1)
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect("\(certificate.subject)".contains("root") == false)
        #expect(await fleet.verdict([issued.der]) == "good")

        // Somebody else's key under one's own signature.
        let stolen = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(),
            publicKey: Certificate.PrivateKey(P256.Signing.PrivateKey()).publicKey, attributes: request.attributes,
            signatureAlgorithm: .ecdsaWithSHA256, signature: request.signature)
        let bad = try stolen.serializeAsPEM().pemString
        #expect(throws: IdentityRefusal.unproven) { try CertificateRequest(pem: bad) }
        let weak = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(),
            privateKey: Certificate.PrivateKey(Curve25519.Signing.PrivateKey()), attributes: request.attributes,
            signatureAlgorithm: .ed25519)
        let other = try weak.serializeAsPEM().pemString
        #expect(throws: IdentityRefusal.unreadable) { try CertificateRequest(pem: other) }
        for rubbish in ["", "rubbish", String(repeating: "A", count: 1 << 20), fleet.authority.anchor.pem] {
            #expect(throws: IdentityRefusal.unreadable) { try CertificateRequest(pem: rubbish) }
        }
    }

    @Test func `files are read as they were written, and only together`() throws {
        let (fleet, other) = try (Fleet(), Fleet())
        let anchor = try FleetAnchor(pem: fleet.authority.anchor.pem)
        #expect(anchor == fleet.authority.anchor && anchor.pem == fleet.authority.anchor.pem)
        #expect(anchor.fingerprint.count == 64 && anchor.fingerprint != other.authority.anchor.fingerprint)
        let (key, certificate) = try fleet.host("a")
        #expect(try FleetCertificate(pem: certificate.pem) == certificate)
        let kept = try #require(IdentityKey(pem: key.pem))
        _ = try HostIdentity(anchor: anchor, certificate: certificate, key: kept)
        #expect(throws: IdentityRefusal.wrongHolder) {
            try HostIdentity(anchor: anchor, certificate: certificate, key: IdentityKey())
        }
        _ = try FleetAuthority(anchor: anchor, key: fleet.authority.secret)
        #expect(throws: IdentityRefusal.unreadable) { try FleetAuthority(anchor: anchor, key: other.authority.secret) }
        #expect(throws: IdentityRefusal.wrongUse) { try FleetAnchor(pem: certificate.pem) }
        #expect(IdentityKey(pem: "") == nil && IdentityKey(pem: certificate.pem) == nil)
    }

    @Test func `the authority issues nothing that outlives it`() throws {
        let fleet = try Fleet()
        let late = fleet.authority.anchor.validUntil.addingTimeInterval(-Self.day)
        let (_, certificate) = try fleet.host("a", at: late)
        #expect(certificate.validUntil == fleet.authority.anchor.validUntil)
        #expect(throws: IdentityRefusal.expired) {
            _ = try fleet.host("a", at: fleet.authority.anchor.validUntil)
        }
    }

    @Test func `no host passes for a server of the web`() throws {
        let fleet = try Fleet()
        let (_, certificate) = try fleet.host("tracker")
        let names = try #require(try Certificate(derEncoded: certificate.der).extensions.subjectAlternativeNames)
        for name in names {
            if case .dnsName = name { Issue.record("a host has the DNS name \(name)") }
            if case .ipAddress = name { Issue.record("a host has the address \(name)") }
        }
        #expect(!names.isEmpty)
    }
}
