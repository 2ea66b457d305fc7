// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import SwiftASN1
import X509

/// A certificate that a fleet's authority may have issued: whom it names, and for how long. Reading one proves nothing;
/// ``CertificateCheck`` does.
package struct FleetCertificate: Hashable, Sendable {
    /// The longest certificate that is read, in bytes.
    package static let byteLimit = 8 << 10

    let certificate: Certificate
    /// The certificate as DER.
    package let der: [UInt8]
    package let holder: CertificateHolder

    /// Reads DER.
    /// - Throws: ``IdentityRefusal`` with `.unreadable`, or `.wrongHolder` when it names no one holder.
    package init(der: [UInt8]) throws(IdentityRefusal) {
        guard der.count <= Self.byteLimit, let certificate = try? Certificate(derEncoded: der) else {
            throw .unreadable
        }
        guard let names = try? certificate.extensions.subjectAlternativeNames, let holder = CertificateHolder(names)
        else { throw .wrongHolder }
        self.certificate = certificate
        self.der = der
        self.holder = holder
    }

    /// Reads a PEM file with one certificate.
    package init(pem: String) throws(IdentityRefusal) {
        guard pem.utf8.count <= 2 * Self.byteLimit, let document = try? PEMDocument(pemString: pem),
            document.discriminator == Certificate.defaultPEMDiscriminator
        else { throw .unreadable }
        try self.init(der: document.derBytes)
    }

    package var pem: String { PEMDocument(type: Certificate.defaultPEMDiscriminator, derBytes: der).pemString + "\n" }

    /// The serial number in lower-case hexadecimal, two digits for each byte.
    package var serial: String {
        Hexadecimal.text(certificate.serialNumber.bytes)
    }

    package var validFrom: Date { certificate.notValidBefore }
    package var validUntil: Date { certificate.notValidAfter }

    /// When to ask for the next one: at two thirds of its life.
    package var renewalTime: Date {
        validFrom.addingTimeInterval(validUntil.timeIntervalSince(validFrom) * 2 / 3)
    }
}
