// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import SwiftASN1
import X509

/// A fleet's own certificate authority: its key signs the certificates of hosts and of the tracker.
///
/// The random parts (keys, serial numbers) come from the system's random source; everything else is a value.
package struct FleetAuthority: Sendable {
    /// How long the authority itself lasts, in days. Closed torrents name it, so it outlives every master.
    static let ownDays = 3650
    /// How long what it issues lasts, in days.
    package static let certificateDays = 30
    /// How far before the present a certificate begins, in seconds, for hosts whose clocks are slow.
    static let headStart = 300.0

    package let anchor: FleetAnchor
    private let key: IdentityKey

    /// A new authority.
    /// - Parameter fleet: the fleet's name, for people.
    /// - Throws: ``IdentityRefusal/unwritable``.
    package init(fleet: String, now: Date) throws(IdentityRefusal) {
        let key = IdentityKey()
        let certificate: Certificate
        do {
            let name = try DistinguishedName { CommonName("Drover fleet \(fleet)") }
            certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.signer.publicKey,
                notValidBefore: now.addingTimeInterval(-Self.headStart),
                notValidAfter: now.addingTimeInterval(Double(Self.ownDays) * 86_400), issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.signer.publicKey)
                }, issuerPrivateKey: key.signer)
        } catch {
            throw .unwritable
        }
        anchor = try FleetAnchor(certificate)
        self.key = key
    }

    /// An authority that was kept.
    /// - Throws: ``IdentityRefusal``; `.unreadable` when key and certificate do not belong together.
    package init(anchor: FleetAnchor, key: IdentityKey) throws(IdentityRefusal) {
        guard anchor.certificate.publicKey == key.signer.publicKey else { throw .unreadable }
        self.anchor = anchor
        self.key = key
    }

    /// The authority's key, to be kept in a file of its own.
    package var secret: IdentityKey { key }

    /// A certificate for the key of a request. Nothing else in the request is looked at: who asks is known by other means.
    /// - Parameters:
    ///   - names: DNS names and literal addresses at which the tracker is reached; hosts have none.
    ///   - days: how long it lasts.
    /// - Throws: ``IdentityRefusal``; `.expired` when the authority's own time is up.
    package func issue(
        _ request: CertificateRequest, to holder: CertificateHolder, names: [ServerName] = [], now: Date,
        days: Int = certificateDays
    ) throws(IdentityRefusal) -> FleetCertificate {
        let end = min(now.addingTimeInterval(Double(days) * 86_400), anchor.validUntil)
        guard now < end else { throw .expired }
        let (uses, name): ([ExtendedKeyUsage.Usage], String)
        switch holder {
        case .host(let host): (uses, name) = ([.clientAuth, .serverAuth], host)
        case .tracker: (uses, name) = ([.serverAuth], "tracker")
        }
        do {
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: request.publicKey,
                notValidBefore: now.addingTimeInterval(-Self.headStart), notValidAfter: end,
                issuer: anchor.certificate.subject,
                subject: DistinguishedName {
                    OrganizationalUnitName(name)
                    // libtorrent takes a peer whose last common name is “*” into every torrent of the authority. No rule for
                    // the names of servers accepts it, and nothing in Drover looks at it.
                    if case .host = holder { CommonName("*") }
                }, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage(uses)
                    SubjectAlternativeNames([.uniformResourceIdentifier(holder.uri)] + names.map(\.general))
                    SubjectKeyIdentifier(hash: request.publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: anchor.certificate.publicKey).keyIdentifier)
                }, issuerPrivateKey: key.signer)
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return try FleetCertificate(der: serializer.serializedBytes)
        } catch {
            throw .unwritable
        }
    }
}
