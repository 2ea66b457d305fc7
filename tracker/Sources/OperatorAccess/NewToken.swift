// SPDX-License-Identifier: Apache-2.0

/// A token that is being made: the only place where it and what is kept of it are together.
package struct NewToken: Sendable {
    /// What is shown to its holder, once.
    package let secret: TokenSecret
    /// What is kept.
    package let token: OperatorToken

    /// How long a token is valid unless somebody says otherwise, and at most: 90 days and a year.
    package static let defaultSeconds: Int64 = 90 * 86_400
    package static let longestSeconds: Int64 = 366 * 86_400
    /// How long a one-time token waits to be used.
    package static let oneTimeSeconds: Int64 = 86_400

    /// Why no such token can be made.
    package enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case name
        case noRoles
        case unknownRole(String)
        case scope(String)
        case tooManyScopes
        case span
        case randomness

        package var description: String {
            switch self {
            case .name:
                "A token's name has 1 to \(OperatorToken.nameLimit) bytes and no control characters; say who holds it."
            case .noRoles:
                "A token needs a role; choose among \(Role.allCases.map(\.rawValue).joined(separator: ", "))."
            case .unknownRole(let role):
                "There is no role '\(role.prefix(40))'; choose among "
                    + "\(Role.allCases.map(\.rawValue).joined(separator: ", "))."
            case .scope(let scope):
                "'\(scope.prefix(80))' is no scope; write the name of a line of masters, or its beginning and a '*'."
            case .tooManyScopes:
                "A token has at most \(OperatorToken.scopeLimit) scopes; leave them out to let it be for every line."
            case .span:
                "A token is valid for a second to \(longestSeconds / 86_400) days; choose a time between."
            case .randomness:
                "A token is made of \(TokenSecret.byteCount) random bytes; this is a bug."
            }
        }
    }

    /// - Parameters:
    ///   - seconds: how long it is valid.
    ///   - creator: a token's id, or `local`.
    ///   - bytes: fresh random bytes.
    package init(
        name: String, roles: [String], scopes: [String] = [], seconds: Int64 = Self.defaultSeconds, creator: String,
        at time: Int64, bytes: [UInt8]
    ) throws(Fault) {
        guard (1...OperatorToken.nameLimit).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { throw .name }
        var known: Set<Role> = []
        for role in roles {
            guard let role = Role(rawValue: role) else { throw .unknownRole(role) }
            known.insert(role)
        }
        guard !known.isEmpty else { throw .noRoles }
        guard scopes.count <= OperatorToken.scopeLimit else { throw .tooManyScopes }
        var lines: Set<LineScope> = []
        for scope in scopes {
            guard let line = LineScope(scope) else { throw .scope(scope) }
            lines.insert(line)
        }
        guard (1...Self.longestSeconds).contains(seconds) else { throw .span }
        guard let secret = TokenSecret(bytes: bytes) else { throw .randomness }
        self.secret = secret
        token = OperatorToken(
            digest: secret.digest, name: name, roles: known, scopes: lines, creator: creator, created: time,
            expires: time + seconds)
    }

    /// A token that makes one other token and nothing else.
    package init(oneTimeFor name: String, at time: Int64, bytes: [UInt8]) throws(Fault) {
        guard let secret = TokenSecret(bytes: bytes) else { throw .randomness }
        self.secret = secret
        token = OperatorToken(
            digest: secret.digest, name: name, roles: [.admin], isOneTime: true, creator: "local", created: time,
            expires: time + Self.oneTimeSeconds)
    }
}

extension OperatorToken {
    /// Roles, scopes and expiry in a few words, for the audit trail.
    package var summary: String {
        let lines = scopes.map(\.description).sorted().joined(separator: ",")
        return
            "roles \(roles.map(\.rawValue).sorted().joined(separator: ",")), lines \(lines.isEmpty ? "all" : lines), "
            + "expires \(expires)"
    }
}
