// SPDX-License-Identifier: Apache-2.0

import Console
import FleetIdentity
import FleetProtocol
import Hummingbird
import NIOCore
import OperatorAccess
import TrackerStorage

/// Tokens of operators and of hosts.
extension ConsoleRoutes {
    private static let tokensShown = 100

    func addAccess(to table: inout RouteTable) {
        table.page("access", RoutePolicy(.operators(.manageTokens))) { _, context in
            let now = clock()
            let operators = try await Self.all { try await storage.tokens(after: $0, limit: StorageLimits.page) }
            let enrolments = try await Self.all {
                try await storage.enrolmentTokens(after: $0, limit: StorageLimits.page)
            }
            let page = ConsolePage.access(
                operators: Self.validFirst(operators.map { TokenScene($0, at: now) }),
                enrolments: Self.validFirst(enrolments.map { TokenScene($0, at: now) }),
                enrols: anchor != nil && context.requester.mayOnAllLines(.manageHosts),
                for: context.viewer)
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.page("access/:id/revoke", RoutePolicy(.operators(.manageTokens))) { _, context in
            let id = try context.parameters.require("id")
            guard let token = try await storage.token(id: id) else { throw Self.noSuchToken }
            let page = ConsolePage.confirm(
                "Revoke the token of \(token.name)?", at: .access,
                ["Whoever uses it is refused from this moment on, and signed out of the console. It cannot be undone."],
                action: "/access/\(id)/revoke", word: "Revoke", back: "/access", key: Self.freshKey(), asksReason: false
            )
            return ConsoleDoor.html(page.html(for: context.viewer))
        }
        table.act("access/:id/revoke", RoutePolicy(.operators(.manageTokens)), action: "token.revoke") { _, context in
            let id = try context.parameters.require("id")
            guard let token = try await storage.revokeToken(id: id, at: clock()) else { throw Self.noSuchToken }
            context.note.set(before: token.revoked == nil ? "valid" : "revoked", after: "revoked")
            return Self.redirect("/access")
        }
        addOperatorTokens(to: &table)
        if let anchor { addEnrolmentTokens(for: anchor, to: &table) }
    }

    private func addOperatorTokens(to table: inout RouteTable) {
        let creating = RoutePolicy(.operators(.createTokens))
        table.page("access/operator", creating) { _, context in
            ConsoleDoor.html(
                ConsolePage.newOperatorToken(
                    roles: Role.allCases.map(\.rawValue), days: Int(NewToken.defaultSeconds / Self.day),
                    key: Self.freshKey()
                ).html(for: context.viewer))
        }
        table.act("access/operator", creating, action: "token.create") { request, context in
            let form = try await Self.form(request)
            let wanted = TokenRequest(
                name: form["name"] ?? "", roles: Role.allCases.map(\.rawValue).filter { form["role-\($0)"] != nil },
                scopes: Self.words(form["lines"]),
                expiresIn: try Self.seconds(ofDays: form["days"]))
            return try await once(form, request, context, try JSONAnswer.bytes(wanted)) {
                let made = try await TokenRoutes(storage: storage, clock: clock).make(wanted, context)
                return ConsolePage.secret(
                    "A token for \(made.token.name)", made.secret.text,
                    ["Its holder signs in with it here, and gives it to “drover” with --token-file."])
            }
        }
    }

    private func addEnrolmentTokens(for anchor: FleetAnchor, to table: inout RouteTable) {
        let managing = RoutePolicy(.operators(.manageHosts))
        table.page("access/enrolment", managing) { _, context in
            ConsoleDoor.html(ConsolePage.newEnrolmentToken(key: Self.freshKey()).html(for: context.viewer))
        }
        table.act("access/enrolment", managing, action: "enrolment-token.create") { request, context in
            guard context.requester.mayOnAllLines(.manageHosts) else { throw Self.notForAllLines }
            let form = try await Self.form(request)
            let (hosts, labels) = (form["hosts"] ?? "", Self.words(form["labels"]))
            return try await once(form, request, context, try JSONAnswer.bytes([hosts] + labels)) {
                let made: NewEnrolmentToken
                do throws(NewEnrolmentToken.Fault) {
                    made = try NewEnrolmentToken(
                        for: anchor, hosts: hosts, labels: labels, creator: context.requester.actor, at: clock())
                } catch {
                    throw APIError(.unprocessableContent, .badTokenRequest, error.description)
                }
                guard try await storage.addEnrolmentToken(made.stored) else {
                    throw APIError(.conflict, .conflict, "Two tokens came out alike; go back and make another one.")
                }
                context.note.set(subject: made.stored.id, after: hosts)
                return ConsolePage.secret(
                    "A token for a host", made.secret,
                    [
                        "On the host: drover host enrol --tracker URL --token-file FILE --name NAME, with a name that fits \(hosts).",
                        "It is for one host, and valid for an hour.",
                    ])
            }
        }
    }

    /// Makes something whose page is shown once, however often its form is sent.
    private func once(
        _ form: [String: String], _ request: Request, _ context: TrackerContext, _ wanted: ByteBuffer,
        _ make: () async throws -> ConsolePage
    ) async throws -> Response {
        try await OnceOnly(storage: storage, clock: clock).perform(
            request, context, wanted, key: try Self.key(form, context)
        ) { ConsoleDoor.html(try await make().html(for: context.viewer)) }
    }

    private static let notForAllLines = APIError(
        .forbidden, .forbidden,
        "Your token is for some lines of masters only, and a host of the fleet may fetch all of them; ask an admin of all."
    )

    /// - Returns: `nil` when nobody said how long.
    private static func seconds(ofDays text: String?) throws(APIError) -> Int64? {
        guard let text, !text.isEmpty else { return nil }
        guard let days = Int64(text), (1...NewToken.longestSeconds / day).contains(days) else {
            throw APIError(
                .unprocessableContent, .badTokenRequest,
                "A token is valid for 1 to \(NewToken.longestSeconds / day) whole days; correct their number.")
        }
        return days * day
    }

    /// Seconds of a day.
    private static let day: Int64 = 86_400

    /// What somebody wrote into a field for several words.
    private static func words(_ text: String?) -> [String] {
        (text ?? "").split { $0.isWhitespace || $0 == "," }.map(String.init)
    }

    /// Everything of a list that the storage bounds.
    private static func all<Element>(
        _ page: (String?) async throws -> Page<Element, String>
    ) async throws -> [Element] {
        var all: [Element] = []
        var next: String?
        repeat {
            let more = try await page(next)
            all += more.elements
            next = more.next
        } while next != nil
        return all
    }

    /// Those that count, and of the others a few.
    private static func validFirst(_ tokens: [TokenScene]) -> [TokenScene] {
        tokens.filter(\.isValid) + tokens.filter { !$0.isValid }.prefix(tokensShown)
    }

    private static let noSuchToken = APIError(.notFound, .noSuchToken, "There is no such token.")
}

extension TokenScene {
    init(_ token: OperatorToken, at now: Int64) {
        let lines = token.scopes.isEmpty ? "" : " for \(token.scopes.map { "\($0)" }.sorted().joined(separator: ", "))"
        self.init(
            id: token.id, name: token.name,
            grants: token.isOneTime
                ? "making one token" : token.roles.sorted().map(\.rawValue).joined(separator: ", ") + lines,
            expires: ConsoleRoutes.time(token.expires),
            state: token.revoked != nil ? "revoked" : token.isValid(at: now) ? "valid" : "expired",
            isValid: token.isValid(at: now))
    }

    init(_ token: StoredEnrolmentToken, at now: Int64) {
        let isValid = token.used == nil && token.expires > now
        self.init(
            id: token.id, name: token.used.map { "used by \($0.host)" } ?? "not used",
            grants: "hosts named \(token.pattern)", expires: ConsoleRoutes.time(token.expires),
            state: token.used != nil ? "used" : isValid ? "valid" : "expired", isValid: isValid)
    }
}
