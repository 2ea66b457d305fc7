// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials

/// How a host is enrolled, as `drover host show` and `status` tell it.
package struct EnrolmentReport: Codable, Equatable, Sendable {
    package var schema = "drover/enrolment/v1"
    /// The host's name in the fleet.
    package var host: String
    /// SHA-256 of the authority's certificate.
    package var fleet: String
    /// Of the host's certificate, in hexadecimal.
    package var serial: String
    /// Seconds since 1970: when the certificate ends, and when the next one is asked for.
    package var validUntil: Int64
    package var renewal: Int64
    /// Where it is renewed.
    package var tracker: String
    /// How many certificates of the fleet are known to be revoked.
    package var revoked: Int

    init(_ membership: HostEnrolment.Membership) {
        let certificate = membership.identity.certificate
        host = if case .host(let name) = certificate.holder { name } else { "\(certificate.holder)" }
        fleet = membership.identity.anchor.fingerprint
        serial = certificate.serial
        validUntil = Int64(certificate.validUntil.timeIntervalSince1970)
        renewal = Int64(certificate.renewalTime.timeIntervalSince1970)
        tracker = membership.tracker
        revoked = membership.revoked.count
    }
}
