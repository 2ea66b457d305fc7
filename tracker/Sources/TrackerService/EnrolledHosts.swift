// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FleetProtocol
import FoundationEssentials
import HTTPTypes
import TrackerStorage

/// Which enrolled host a certificate is of: one that the fleet's authority has issued, that this tracker knows, and that
/// nobody has revoked.
struct EnrolledHosts: Sendable {
    let storage: any HostStorage
    let anchor: FleetAnchor

    /// The host that shows this certificate, whose key it has proven to have.
    /// - Throws: a 401 with the reason.
    func name(showing der: [UInt8], now: Date) async throws -> String {
        let certificate: FleetCertificate
        do throws(IdentityRefusal) {
            certificate = try await CertificateCheck(anchor: anchor).check([der], now: now) { $0 != .tracker }
        } catch {
            throw Self.unproven(error)
        }
        return try await name(of: certificate)
    }

    /// The host of a certificate that was checked.
    /// - Throws: a 401 with the reason.
    func name(of certificate: FleetCertificate) async throws -> String {
        guard case .host(let name) = certificate.holder else { throw Self.unproven(.wrongHolder) }
        guard let known = try await storage.certificate(serial: certificate.serial), known.revoked == nil,
            known.host == name
        else { throw Self.unproven(.revoked) }
        return name
    }

    static func unproven(_ refusal: IdentityRefusal) -> APIError {
        APIError(.unauthorized, ReasonCode(refusal), "It is refused: \(refusal).")
    }
}
