// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
package import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Metainfo
import NIOCore
import OperatorAccess
import TrackerStorage

/// `/api/v1/fleet/certificate` and `revoked`: how hosts get and keep certificates of the fleet.
///
/// What comes and goes here is signed and not secret. Who asks is proven by the request itself: by a token's signature, or
/// by the certificate that is to be renewed.
struct EnrolmentRoutes: Sendable {
    let storage: any HostStorage & IdempotencyStorage
    let authority: FleetAuthority

    func add(to table: inout RouteTable) {
        // Who asks is proven by the request itself, so that these doors are open.
        table.change(.post, "api/v1/fleet/certificate", action: "host.certify") { request in
            let order = try await read(request)
            let proven =
                switch order {
                case .enrol(let order): try await enrol(order)
                case .renew(let order): try await renew(order)
                }
            return { context in
                context.note.set(subject: proven.host)
                let certificate = try await once(order, proven)
                context.note.set(after: certificate.serial)
                return try JSONAnswer.response(EnrolmentAnswer(certificate: certificate, authority: authority.anchor))
            }
        }
        table.read("api/v1/fleet/revoked", RoutePolicy(.open)) { _, context in try await revoked(context) }
    }

    /// A host that has proven that it may have a certificate, and what makes it.
    private struct Proven: Sendable {
        let host: String
        let certify: @Sendable () async throws -> FleetCertificate
    }

    /// Carries an order out, or answers as before when the same one comes again, since its answer may have been lost. An
    /// order is its own key: it is for one key of a host, signed, and its answer is of use to the holder of that alone.
    private func once(_ order: CertificateOrder, _ proven: Proven) async throws -> FleetCertificate {
        let digest = SHA256Digest(hashing: Array(buffer: try JSONAnswer.bytes(order)))
        let now = Int64(Date().timeIntervalSince1970)
        let beginning = try await storage.beginRequest(
            key: digest.hex, by: Self.requester, digest: digest.bytes, at: now, expires: now + OnceOnly.memory)
        if case .answered(let pem) = beginning {
            return try FleetCertificate(pem: String(decoding: pem, as: UTF8.self))
        }
        let certificate: FleetCertificate
        do {
            certificate = try await proven.certify()
        } catch {
            if beginning == .begun { try? await storage.abandonRequest(key: digest.hex, by: Self.requester) }
            throw error
        }
        try await storage.finishRequest(key: digest.hex, by: Self.requester, answer: Array(certificate.pem.utf8))
        return certificate
    }

    /// Under whom the answers to orders are kept.
    private static let requester = "fleet/certificate"

    private func enrol(_ body: EnrolmentRequest) async throws -> Proven {
        let (digest, certificateRequest) = try proof { () throws(IdentityRefusal) in try body.proven() }
        let now = Date()
        let seconds = Int64(now.timeIntervalSince1970)
        guard let token = try await storage.enrolmentToken(digest: digest) else { throw Self.refusal(.unknownToken) }
        // Whether it was used for this very order is seen when it is carried out.
        guard token.used.map({ $0.host == body.host }) ?? true else { throw Self.refusal(.usedToken) }
        guard token.expires > seconds else { throw Self.refusal(.expiredToken) }
        guard let holder = CertificateHolder.host(named: body.host) else {
            throw APIError(
                .unprocessableContent, .badName,
                "A host's name has lower-case letters, digits, '.', '_' and '-'; choose another with --name.")
        }
        guard HostPattern(token.pattern)?.fits(body.host) == true else {
            throw APIError(
                .forbidden, .nameNotAllowed,
                "The token is for hosts named \(token.pattern); choose such a name with --name, or get another token.")
        }
        return Proven(host: body.host) {
            let certificate = try authority.issue(certificateRequest, to: holder, now: now)
            let outcome = try await storage.enrol(
                StoredHost(name: body.host, labels: token.labels, enrolled: seconds),
                StoredCertificate(certificate, host: body.host), redeeming: digest, replacing: false, at: seconds)
            guard case .enrolled = outcome else { throw Self.refusal(outcome) }
            return certificate
        }
    }

    private func renew(_ body: RenewalRequest) async throws -> Proven {
        let now = Date()
        let certificate: FleetCertificate
        let certificateRequest: CertificateRequest
        do throws(IdentityRefusal) {
            (certificate, certificateRequest) = try await body.proven(
                CertificateCheck(anchor: authority.anchor), now: now)
        } catch {
            throw EnrolledHosts.unproven(error)
        }
        let name = try await EnrolledHosts(storage: storage, anchor: authority.anchor).name(of: certificate)
        let known = try await storage.certificates(of: name)
        if let wait = RenewalPace.wait(known, at: Int64(now.timeIntervalSince1970)) { throw Self.tooMany(wait) }
        let holder = certificate.holder
        return Proven(host: name) {
            let next = try authority.issue(certificateRequest, to: holder, now: now)
            guard try await storage.addCertificate(StoredCertificate(next, host: name)) else {
                throw EnrolledHosts.unproven(.revoked)
            }
            return next
        }
    }

    private func revoked(_ context: TrackerContext) async throws -> Response {
        let now = Date()
        var serials: [String] = []
        var last: String?
        repeat {
            let page = try await storage.revokedCertificates(
                at: Int64(now.timeIntervalSince1970) - RevocationList.remembrance, after: last,
                limit: StorageLimits.page)
            serials += page.elements.map(\.serial)
            last = page.next
        } while last != nil && serials.count < RevocationList.serialLimit
        if last != nil || serials.count > RevocationList.serialLimit {
            context.logger.error(
                "more certificates are revoked than fit into the list that hosts get; make a new authority",
                metadata: ["limit": "\(RevocationList.serialLimit)"])
            serials.removeLast(max(0, serials.count - RevocationList.serialLimit))
        }
        return try JSONAnswer.response(RevocationList(serials, by: authority, now: now))
    }

    private func read(_ request: Request) async throws -> CertificateOrder {
        guard let body = try? await request.body.collect(upTo: CertificateOrder.byteLimit) else {
            throw APIError(.contentTooLarge, .tooLarge, "The request is too long.")
        }
        guard let order = try? JSONDecoder().decode(CertificateOrder.self, from: Data(body.readableBytesView)) else {
            throw APIError(.badRequest, .malformed, "This is no such request; use `drover host enrol`.")
        }
        return order
    }

    private func proof<Value>(_ body: () throws(IdentityRefusal) -> Value) throws -> Value {
        do { return try body() } catch { throw EnrolledHosts.unproven(error) }
    }

    private static func tooMany(_ seconds: Int64) -> APIError {
        APIError(
            .tooManyRequests, .tooManyAttempts,
            "The host was given many certificates lately; see why it does not keep them, and ask again in \(seconds) s.",
            headers: [.retryAfter: "\(seconds)"])
    }

    private static func refusal(_ outcome: Enrolment) -> APIError {
        switch outcome {
        case .enrolled, .unknownToken:
            APIError(.unauthorized, .unknownToken, "The tracker knows no such token; get another one.")
        case .expiredToken: APIError(.unauthorized, .expiredToken, "The token has expired; get another one.")
        case .usedToken:
            APIError(.unauthorized, .usedToken, "The token has been used; each is for one host. Get another one.")
        case .nameTaken:
            APIError(
                .conflict, .nameTaken,
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

extension ReasonCode {
    package init(_ refusal: IdentityRefusal) {
        self =
            switch refusal {
            case .missing: .noCertificate
            case .unreadable: .unreadable
            case .foreign: .otherFleet
            case .expired: .certificateExpired
            case .notYetValid: .notYetValid
            case .wrongUse: .wrongUse
            case .wrongHolder: .wrongHolder
            case .revoked: .certificateRevoked
            case .unproven: .unprovenKey
            case .unwritable: .internal
            }
    }
}
