// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import FleetIdentity
import FoundationEssentials
import HTTPTypes
import Hummingbird
import TrackerStorage

/// `/api/v1/fleet/enrol`, `renew` and `revoked`: how hosts get and keep certificates of the fleet.
///
/// What comes and goes here is signed and not secret. Who asks is proven by the request itself: by a token's signature, or
/// by the certificate that is to be renewed.
struct EnrolmentRoutes: Sendable {
    let storage: any HostStorage
    let audit: any AuditStorage
    let authority: FleetAuthority

    func add(to router: Router<TrackerContext>) {
        let fleet = router.group("api/v1/fleet")
        fleet.post("enrol") { request, context in try await enrol(request, context) }
        fleet.post("renew") { request, context in try await renew(request, context) }
        fleet.get("revoked") { _, _ in try await revoked() }
    }

    private func enrol(_ request: Request, _ context: TrackerContext) async throws -> Response {
        let body = try await read(EnrolmentRequest.self, request)
        return try await audited("host.enrol", body.host, context) { try await enrol(body) }
    }

    private func enrol(_ body: EnrolmentRequest) async throws -> (subject: String, certificate: FleetCertificate) {
        let (digest, certificateRequest) = try proof { () throws(IdentityRefusal) in try body.proven() }
        let now = Date()
        let seconds = Int64(now.timeIntervalSince1970)
        guard let token = try await storage.enrolmentToken(digest: digest) else { throw Self.refusal(.unknownToken) }
        guard token.used == nil else { throw Self.refusal(.usedToken) }
        guard token.expires > seconds else { throw Self.refusal(.expiredToken) }
        guard let holder = CertificateHolder.host(named: body.host) else {
            throw APIError(
                .unprocessableContent, "bad_name",
                "A host's name has lower-case letters, digits, '.', '_' and '-'; choose another with --name.")
        }
        guard HostPattern(token.pattern)?.fits(body.host) == true else {
            throw APIError(
                .forbidden, "name_not_allowed",
                "The token is for hosts named \(token.pattern); choose such a name with --name, or get another token.")
        }
        let certificate = try authority.issue(certificateRequest, to: holder, now: now)
        let outcome = try await storage.enrol(
            StoredHost(name: body.host, labels: token.labels, enrolled: seconds),
            StoredCertificate(certificate, host: body.host), redeeming: digest, replacing: false, at: seconds)
        guard case .enrolled = outcome else { throw Self.refusal(outcome) }
        return (body.host, certificate)
    }

    private func renew(_ request: Request, _ context: TrackerContext) async throws -> Response {
        let body = try await read(RenewalRequest.self, request)
        return try await audited("host.renew", "a host", context) { try await renew(body) }
    }

    private func renew(_ body: RenewalRequest) async throws -> (subject: String, certificate: FleetCertificate) {
        let now = Date()
        let certificate: FleetCertificate
        let certificateRequest: CertificateRequest
        do throws(IdentityRefusal) {
            (certificate, certificateRequest) = try await body.proven(
                CertificateCheck(anchor: authority.anchor), now: now)
        } catch {
            throw Self.unproven(error)
        }
        guard case .host(let name) = certificate.holder else { throw Self.unproven(.wrongHolder) }
        guard let known = try await storage.certificate(serial: certificate.serial), known.revoked == nil,
            known.host == name
        else { throw Self.unproven(.revoked) }
        let next = try authority.issue(certificateRequest, to: certificate.holder, now: now)
        guard try await storage.addCertificate(StoredCertificate(next, host: name)) else {
            throw Self.unproven(.revoked)
        }
        return (name, next)
    }

    /// Puts what becomes of a request on record before it is answered, refusals too.
    private func audited(
        _ action: String, _ asked: String, _ context: TrackerContext,
        _ body: () async throws -> (subject: String, certificate: FleetCertificate)
    ) async throws -> Response {
        let origin = context.observedHost.map { "\($0)" }
        func record(_ subject: String, _ serial: String?, _ outcome: String) async throws {
            _ = try await audit.appendAudit(
                AuditRecord(
                    at: Int64(Date().timeIntervalSince1970), actor: "host \(subject)", action: action, subject: subject,
                    after: serial, outcome: outcome, origin: origin))
        }
        do {
            let (subject, certificate) = try await body()
            try await record(subject, certificate.serial, "done")
            return try JSONAnswer.response(EnrolmentAnswer(certificate: certificate, authority: authority.anchor))
        } catch let refusal as APIError {
            // A name from outside is cut short before it is kept.
            try await record(String(asked.prefix(CertificateHolder.nameLimit)), nil, refusal.code)
            throw refusal
        }
    }

    private func revoked() async throws -> Response {
        let now = Date()
        var serials: [String] = []
        var last: String?
        repeat {
            let page = try await storage.revokedCertificates(
                at: Int64(now.timeIntervalSince1970), after: last, limit: StorageLimits.page)
            serials += page.elements.map(\.serial)
            last = page.next
        } while last != nil && serials.count < RevocationList.serialLimit
        return try JSONAnswer.response(RevocationList(serials, by: authority, now: now))
    }

    private func read<Body: Decodable>(_ type: Body.Type, _ request: Request) async throws -> Body {
        guard let body = try? await request.body.collect(upTo: EnrolmentRequest.byteLimit) else {
            throw APIError(.contentTooLarge, "too_large", "The request is too long.")
        }
        guard let value = try? JSONDecoder().decode(type, from: Data(body.readableBytesView)) else {
            throw APIError(.badRequest, "bad_request", "This is no such request; use `drover host enrol`.")
        }
        return value
    }

    private func proof<Value>(_ body: () throws(IdentityRefusal) -> Value) throws -> Value {
        do { return try body() } catch { throw Self.unproven(error) }
    }

    private static func unproven(_ refusal: IdentityRefusal) -> APIError {
        APIError(.unauthorized, refusal.rawValue.replacing("-", with: "_"), "It is refused: \(refusal).")
    }

    private static func refusal(_ outcome: Enrolment) -> APIError {
        switch outcome {
        case .enrolled, .unknownToken:
            APIError(.unauthorized, "unknown_token", "The tracker knows no such token; get another one.")
        case .expiredToken: APIError(.unauthorized, "expired_token", "The token has expired; get another one.")
        case .usedToken:
            APIError(.unauthorized, "used_token", "The token has been used; each is for one host. Get another one.")
        case .nameTaken:
            APIError(
                .conflict, "name_taken",
                "A host of this name is enrolled; choose another with --name, or revoke that one with "
                    + "`drover-tracker host revoke`.")
        }
    }
}

extension StoredCertificate {
    init(_ certificate: FleetCertificate, host: String) {
        self.init(
            serial: certificate.serial, host: host, issued: Int64(certificate.validFrom.timeIntervalSince1970),
            expires: Int64(certificate.validUntil.timeIntervalSince1970))
    }
}
