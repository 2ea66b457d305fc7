// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
@_spi(DisableValidityCheck) import X509

/// Whether a certificate that somebody presents is of this fleet: one decision for all who ask.
package struct CertificateCheck: Sendable {
    /// How far clocks may be apart, in seconds.
    package static let clockSkew = 300.0

    package let anchor: FleetAnchor
    /// Serial numbers of certificates that count no more, as ``FleetCertificate/serial`` writes them.
    package var revoked: Set<String>

    package init(anchor: FleetAnchor, revoked: Set<String> = []) {
        self.anchor = anchor
        self.revoked = revoked
    }

    /// Checks what somebody presents: the leaf first. The authority signs leaves itself, so anything else is passed over.
    /// - Parameter isHolder: whether the one it names is the one that it should be.
    /// - Throws: ``IdentityRefusal`` with the first thing that is wrong.
    package func check(
        _ chain: [[UInt8]], now: Date, isHolder: (CertificateHolder) -> Bool
    ) async throws(IdentityRefusal) -> FleetCertificate {
        guard let leaf = chain.first else { throw .missing }
        let certificate = try FleetCertificate(der: leaf)
        try await check(certificate, now: now)
        guard isHolder(certificate.holder) else { throw .wrongHolder }
        return certificate
    }

    /// Checks a certificate, whomever it names.
    package func check(_ presented: FleetCertificate, now: Date) async throws(IdentityRefusal) {
        let leaf = presented.certificate
        var verifier = Verifier(rootCertificates: CertificateStore([anchor.certificate])) {
            // Time is looked at below, with an allowance.
            RFC5280Policy.withValidityCheckDisabled()
        }
        guard
            case .validCertificate(let chain) = await verifier.validate(leaf: leaf, intermediates: CertificateStore([])),
            chain.count == 2
        else { throw .foreign }
        let uses = try? leaf.extensions.extendedKeyUsage
        let needed: [ExtendedKeyUsage.Usage] =
            presented.holder == .tracker ? [.serverAuth] : [.serverAuth, .clientAuth]
        guard let uses, needed.allSatisfy({ uses.contains($0) }),
            (try? leaf.extensions.keyUsage)?.digitalSignature == true
        else { throw .wrongUse }
        guard now.addingTimeInterval(Self.clockSkew) >= presented.validFrom else { throw .notYetValid }
        let end = min(presented.validUntil, anchor.validUntil)
        guard now.addingTimeInterval(-Self.clockSkew) <= end else { throw .expired }
        guard !revoked.contains(presented.serial) else { throw .revoked }
    }
}
