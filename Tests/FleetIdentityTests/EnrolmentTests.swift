// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import Testing

/// What hosts and the tracker say to each other about certificates.
@Suite struct EnrolmentTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func changed<Document: Codable>(_ document: Document, _ field: String, to value: String) throws -> Document
    {
        var fields = try JSONDecoder().decode([String: String].self, from: JSONEncoder().encode(document))
        #expect(fields[field] != nil && fields[field] != value)
        fields[field] = value
        return try JSONDecoder().decode(Document.self, from: JSONEncoder().encode(fields))
    }

    @Test func `a token's holder gets a certificate for his key and his name, and nobody else does`() async throws {
        let authority = try FleetAuthority(fleet: "test", now: now)
        let token = EnrolmentToken(for: authority.anchor)
        let carried = try #require(EnrolmentToken(token.secret))
        #expect(carried.digest == token.digest && carried.fingerprint == authority.anchor.fingerprint)
        #expect(!"\(token)".contains(authority.anchor.fingerprint) && "\(token)" != token.secret)
        let key = IdentityKey()
        let asked = try EnrolmentRequest(host: "rack1-7", key: key, token: carried)
        let (digest, request) = try asked.proven()
        #expect(digest == token.digest)
        // What an eavesdropper has is of no use for another name or key.
        #expect(throws: IdentityRefusal.unproven) { try changed(asked, "host", to: "rack1-8").proven() }
        let other = try CertificateRequest(for: IdentityKey()).pem
        #expect(throws: IdentityRefusal.unproven) { try changed(asked, "request", to: other).proven() }
        let mine = try EnrolmentRequest(
            host: "rack1-7", key: key, token: EnrolmentToken(for: authority.anchor)
        ).proven().digest
        #expect(mine != token.digest)

        let certificate = try authority.issue(request, to: .host("rack1-7"), now: now)
        let answer = EnrolmentAnswer(certificate: certificate, authority: authority.anchor)
        let identity = try await answer.identity(of: key, fingerprint: token.fingerprint, now: now)
        #expect(identity.certificate.holder == .host("rack1-7"))
        // A tracker of another fleet, or one that gives somebody else's certificate, is not believed.
        await #expect(throws: IdentityRefusal.wrongHolder) {
            try await answer.identity(of: IdentityKey(), fingerprint: token.fingerprint, now: now)
        }
        let impostor = try FleetAuthority(fleet: "test", now: now)
        let forged = EnrolmentAnswer(
            certificate: try impostor.issue(request, to: .host("rack1-7"), now: now), authority: impostor.anchor)
        await #expect(throws: IdentityRefusal.foreign) {
            try await forged.identity(of: key, fingerprint: token.fingerprint, now: now)
        }
    }

    @Test(arguments: ["", "drover-enrol", "drover-enrol..", "drover-enrol.00.00", "a.b.c.d"])
    func `rubbish is no token`(text: String) { #expect(EnrolmentToken(text) == nil) }

    @Test func `a certificate is renewed by who has it, while it counts`() async throws {
        let authority = try FleetAuthority(fleet: "test", now: now)
        let key = IdentityKey()
        let certificate = try authority.issue(CertificateRequest(for: key), to: .host("a"), now: now)
        let identity = try HostIdentity(anchor: authority.anchor, certificate: certificate, key: key)
        let next = IdentityKey()
        let asked = try RenewalRequest(identity, next: next)
        let check = CertificateCheck(anchor: authority.anchor)
        let proven = try await asked.proven(check, now: now)
        #expect(proven.certificate == certificate)
        let renewed = try authority.issue(proven.request, to: .host("a"), now: now)
        _ = try HostIdentity(anchor: authority.anchor, certificate: renewed, key: next)
        let other = try CertificateRequest(for: IdentityKey()).pem
        await #expect(throws: IdentityRefusal.unproven) {
            try await changed(asked, "request", to: other).proven(check, now: now)
        }
        let stranger = try authority.issue(CertificateRequest(for: IdentityKey()), to: .host("b"), now: now).pem
        await #expect(throws: IdentityRefusal.unproven) {
            try await changed(asked, "certificate", to: stranger).proven(check, now: now)
        }
        await #expect(throws: IdentityRefusal.expired) {
            try await asked.proven(check, now: now.addingTimeInterval(31 * 86_400))
        }
        await #expect(throws: IdentityRefusal.revoked) {
            try await asked.proven(CertificateCheck(anchor: authority.anchor, revoked: [certificate.serial]), now: now)
        }
    }

    @Test func `a list of revoked certificates is believed when the fleet's authority signed it`() throws {
        let authority = try FleetAuthority(fleet: "test", now: now)
        let list = try RevocationList(["0a", "0b"], by: authority, now: now)
        let read = try list.read(authority.anchor)
        #expect(read.serials == ["0a", "0b"] && read.issued == 1_800_000_000)
        let other = try FleetAuthority(fleet: "test", now: now)
        #expect(throws: IdentityRefusal.foreign) { try list.read(other.anchor) }
        let empty = try RevocationList([], by: authority, now: now)
        let fields = try JSONDecoder().decode([String: String].self, from: JSONEncoder().encode(empty))
        #expect(throws: IdentityRefusal.foreign) {
            try changed(list, "content", to: try #require(fields["content"])).read(authority.anchor)
        }
        #expect(throws: IdentityRefusal.unwritable) {
            try RevocationList(
                [String](repeating: "0a", count: RevocationList.serialLimit + 1), by: authority, now: now)
        }
    }
}
