// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import OperatorAccess
import TrackerStorage

/// `/api/v1/tokens`: operators' tokens.
struct TokenRoutes: Sendable {
    let storage: any OperatorStorage & IdempotencyStorage
    let clock: @Sendable () -> Int64

    private static let bodyLimit = 16 << 10

    func add(to table: inout RouteTable) {
        table.read("api/v1/tokens", RoutePolicy(.operators(.manageTokens))) { request, _ in
            let page = try await storage.tokens(after: request.cursor("after"), limit: try request.limit())
            return try JSONAnswer.response(
                TokenList(tokens: page.elements.map(TokenDocument.init), next: page.next))
        }
        table.change(
            .post, "api/v1/tokens", RoutePolicy(.operators(.createTokens)), action: "token.create"
        ) { request, context in
            try await create(request, context)
        }
        table.change(
            .delete, "api/v1/tokens/:id", RoutePolicy(.operators(.manageTokens)), action: "token.revoke"
        ) { _, context in
            let id = try context.parameters.require("id")
            guard let token = try await storage.revokeToken(id: id, at: clock()) else {
                throw APIError(.notFound, .noSuchToken, "There is no token \(id.prefix(64)); list them first.")
            }
            context.note.set(before: token.revoked == nil ? "valid" : "revoked", after: "revoked")
            return Response(status: .noContent)
        }
    }

    private static let notAnOperator = APIError(
        .forbidden, .forbidden, "Only operators make tokens; send one's token.")
    private static let tooWide = APIError(
        .forbidden, .forbidden, "Your token is for some lines only; make a token for the same ones or fewer.")

    private func create(_ request: Request, _ context: TrackerContext) async throws -> Response {
        let wanted: TokenRequest = try await request.document(upTo: Self.bodyLimit)
        return try await OnceOnly(storage: storage, clock: clock).perform(
            request, context, try JSONAnswer.bytes(wanted)
        ) {
            let made = try await make(wanted, context)
            return try JSONAnswer.response(
                CreatedToken(token: made.secret.text, entry: TokenDocument(made.token)), status: .created)
        }
    }

    /// Makes a token, and stores what is kept of it.
    func make(_ wanted: TokenRequest, _ context: TrackerContext) async throws -> NewToken {
        guard case .operator(let creator) = context.requester else { throw Self.notAnOperator }
        let made: NewToken
        do throws(NewToken.Fault) {
            made = try NewToken(
                name: wanted.name, roles: wanted.roles, scopes: wanted.scopes ?? [],
                seconds: wanted.expiresIn ?? NewToken.defaultSeconds, creator: creator.id, at: clock(),
                bytes: TokenSecret.freshBytes())
        } catch {
            throw APIError(.unprocessableContent, .badTokenRequest, error.description)
        }
        // Nobody gives away more lines than they have.
        guard creator.scopes.isEmpty || !made.token.scopes.isEmpty && made.token.scopes.isSubset(of: creator.scopes)
        else { throw Self.tooWide }
        let isAdded = try await storage.addToken(made.token, usingUp: creator.isOneTime ? creator.id : nil)
        guard isAdded else {
            throw APIError(
                .conflict, .usedUp, "The one-time token was used meanwhile; make another one on the tracker.")
        }
        context.note.set(
            subject: "\(made.token.id) (\(made.token.name))", after: made.token.summary)
        return made
    }
}

/// What token is asked for.
struct TokenRequest: Codable {
    let name: String
    let roles: [String]
    let scopes: [String]?
    /// Seconds.
    let expiresIn: Int64?
}

private struct CreatedToken: Encodable {
    /// Shown here and never again.
    let token: String
    let entry: TokenDocument
}

private struct TokenList: Encodable {
    let tokens: [TokenDocument]
    let next: String?
}

/// A token as the API shows it: without the token, and without its digest.
private struct TokenDocument: Encodable {
    let id: String
    let name: String
    let roles: [String]
    let scopes: [String]
    let isOneTime: Bool
    let creator: String
    let created: Int64
    let expires: Int64
    let revoked: Int64?

    init(_ token: OperatorToken) {
        id = token.id
        name = token.name
        roles = token.roles.map(\.rawValue).sorted()
        scopes = token.scopes.map(\.description).sorted()
        isOneTime = token.isOneTime
        creator = token.creator
        created = token.created
        expires = token.expires
        revoked = token.revoked
    }
}
