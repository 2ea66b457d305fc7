// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import OperatorAccess
import TrackerStorage

/// What stands before every route of the API: finds out who asks, lets them through or not, and writes down what became
/// of it.
struct Gatekeeper: Sendable {
    let access: TrackerAccess
    let storage: any OperatorStorage
    /// Whose certificates make them known; `nil` where there is no fleet.
    let hosts: EnrolledHosts?
    let audit: TrackerAudit
    /// What all answers that are being sent may hold in memory.
    let answers: TransferBudget
    let clock: @Sendable () -> Int64
    /// What browsers must bring.
    let door: ConsoleDoor
    private let attempts = TokenAttempts()

    init(
        access: TrackerAccess, storage: any OperatorStorage, hosts: EnrolledHosts?, audit: TrackerAudit,
        answers: TransferBudget, door: ConsoleDoor,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.door = door
        self.access = access
        self.storage = storage
        self.hosts = hosts
        self.audit = audit
        self.answers = answers
        self.clock = clock
    }

    func pass(
        _ request: Request, _ context: TrackerContext, to route: RouteTable.Route, line: String?,
        _ proof: RouteTable.Proof
    ) async throws -> Response {
        var context = context
        context.note = AuditNote()
        let name = request.headers[Self.requestID].flatMap { Self.isRequestID($0) ? $0 : nil }
        context.requestID = name ?? String(UInt64.random(in: .min ... .max), radix: 16)
        var response: Response
        var note: Int64?
        do {
            if route.isOfConsole { try door.checkHost(request) }
            try await admit(request, &context, to: route, line: line)
            if route.isOfConsole { try door.checkOrigin(request) }
            let act = try await proof(request)
            // What cannot be written down is not done.
            if route.action != nil { note = try await audit.begin(route, context, at: clock()) }
            response = try await act(context)
            // What was changed is said in any case, and is short.
            if route.action == nil { response.body = try metered(response.body) }
            if let note { try await audit.finish(note, route, context, outcome: "done", at: clock()) }
        } catch let gap as TrackerAudit.Gap {
            response = try answer(gap.refusal, to: route, context)
        } catch {
            let refusal = APIErrorAnswer.refusal(error, context)
            let outcome = (refusal?.code ?? .brokenOff).rawValue
            if let note {
                try? await audit.finish(note, route, context, outcome: outcome, at: clock())
            } else if route.action != nil || refusal.map({ [.unauthorized, .forbidden].contains($0.status) }) == true {
                // A request that may not be made is written down wherever it goes to.
                try? await audit.note(route, context, outcome: outcome, at: clock())
            }
            guard let refusal else { throw error }
            response = try answer(refusal, to: route, context)
        }
        if route.isOfConsole { door.harden(&response) }
        response.headers[Self.requestID] = context.requestID
        return response
    }

    private func answer(_ refusal: APIError, to route: RouteTable.Route, _ context: TrackerContext) throws -> Response {
        guard route.isOfConsole else { return try APIErrorAnswer.response(to: refusal) }
        return door.page(refusal, viewer: context.requester == .anonymous ? nil : context.viewer)
    }

    private func admit(
        _ request: Request, _ context: inout TrackerContext, to route: RouteTable.Route, line: String?
    ) async throws {
        if route.policy.door == .open { return }
        if let credentials = request.headers[.authorization] {
            // Who shows credentials wants to be known by them: bad ones are never passed over.
            guard let holder = try await holder(of: credentials) else {
                throw attempts.count(from: context.observedHost, at: clock()).map(Self.tooManyAttempts)
                    ?? Self.unknownToken
            }
            context.requester = .operator(holder)
        } else if route.isOfConsole, let secret = door.session(of: request),
            let id = door.sessions.token(of: secret, at: clock(), isUse: ConsoleDoor.isUse(request)),
            let token = try await storage.token(id: id),
            token.isValid(at: clock())
        {
            context.requester = .operator(Requester.Operator(token))
        } else if let shown = context.shownCertificate, let hosts, !route.isOfConsole {
            let now = Date(timeIntervalSince1970: Double(clock()))
            context.requester = .host(try await hosts.name(showing: shown, now: now))
        }
        let line = line.flatMap { context.parameters.get($0) }
        switch route.policy.verdict(on: context.requester, line: line, access: access) {
        case .allowed: return
        case .unauthenticated: throw Self.unauthenticated
        case .forbidden:
            throw APIError(
                .forbidden, .forbidden,
                "\(context.requester.actor) may not do this; ask an admin for a token that allows it.")
        }
    }

    /// An answer that counts until it is sent. While it is made only few do so at once: the storage has few readers, and no
    /// page is longer than ``StorageLimits/page``.
    private func metered(_ body: ResponseBody) throws(APIError) -> ResponseBody {
        guard let length = body.contentLength, length > 0 else { return body }
        let reservation = answers.reservation()
        try reservation.grow(by: length)
        return ResponseBody(contentLength: length) { writer in
            try await body.write(writer)
            withExtendedLifetime(reservation) {}
        }
    }

    private func holder(of credentials: String) async throws -> Requester.Operator? {
        let parts = credentials.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let scheme = parts.first, let text = parts.last, scheme.lowercased() == "bearer",
            let secret = TokenSecret(text), let token = try await storage.token(id: secret.id),
            token.admits(secret, at: clock())
        else { return nil }
        return Requester.Operator(token)
    }

    /// Whoever has a token cannot fill the audit trail by signing in with it again and again.
    func checkSignIn(_ request: Request) throws(APIError) {
        let token = request.headers[.authorization].flatMap { $0.split(separator: " ").last }.flatMap {
            TokenSecret($0)
        }
        guard let token else { throw Self.unauthenticated }
        let now = clock()
        guard door.sessions.mayBegin(token.id, at: now) else {
            throw APIError(
                .tooManyRequests, .tooManyAttempts, "Somebody signs in with this token all the time; wait a minute.",
                headers: [.retryAfter: "\(60 - now % 60)"])
        }
    }

    private static let unauthenticated = APIError(
        .unauthorized, .unauthenticated,
        "This needs credentials; send a token as 'Authorization: Bearer drv_…', or show a host's certificate.",
        headers: [.wwwAuthenticate: "Bearer"])
    private static let unknownToken = APIError(
        .unauthorized, .badToken, "The token is unknown, expired or withdrawn; ask an admin for another one.",
        headers: [.wwwAuthenticate: "Bearer error=\"invalid_token\""])

    private static func tooManyAttempts(_ seconds: Int64) -> APIError {
        APIError(
            .tooManyRequests, .tooManyAttempts,
            "Too many bad tokens came from this address; wait \(seconds) seconds, then use a good one.",
            headers: [.retryAfter: "\(seconds)"])
    }

    static let requestID = HTTPField.Name("X-Request-Id") ?? .date

    private static func isRequestID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                        || "-_.".unicodeScalars.contains($0))
            }
    }
}
