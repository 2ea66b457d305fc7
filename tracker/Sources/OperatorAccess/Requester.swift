// SPDX-License-Identifier: Apache-2.0

/// Who asks something of the tracker.
package enum Requester: Equatable, Sendable {
    /// Nobody that is known.
    case anonymous
    /// Somebody with a token.
    case `operator`(Operator)
    /// An enrolled host, by the name in its certificate.
    case host(String)

    /// The holder of a token.
    package struct Operator: Equatable, Sendable {
        /// The token's id.
        package let id: String
        package let name: String
        package let roles: Set<Role>
        /// The lines of masters the token is for; every line when there is none.
        package let scopes: Set<LineScope>
        package let isOneTime: Bool

        package init(_ token: OperatorToken) {
            id = token.id
            name = token.name
            roles = token.roles
            scopes = token.scopes
            isOneTime = token.isOneTime
        }
    }

    /// How the audit trail calls them.
    package var actor: String {
        switch self {
        case .anonymous: "anonymous"
        case .operator(let holder): "operator \(holder.id) (\(holder.name))"
        case .host(let name): "host \(name)"
        }
    }

    /// Whether they may do this, to any line at all.
    package func may(_ permission: Permission) -> Bool {
        guard case .operator(let holder) = self else { return false }
        if holder.isOneTime { return permission == .createTokens }
        return holder.roles.contains { $0.permissions.contains(permission) }
    }

    /// Whether they may do this to every line of masters.
    package func mayOnAllLines(_ permission: Permission) -> Bool {
        guard may(permission), case .operator(let holder) = self else { return false }
        return holder.scopes.isEmpty || holder.scopes.contains { $0.coversAll }
    }

    /// Whether they may do this to a line of masters.
    package func may(_ permission: Permission, on line: String) -> Bool {
        guard may(permission), case .operator(let holder) = self else { return false }
        return holder.scopes.isEmpty || holder.scopes.contains { $0.covers(line) }
    }
}
