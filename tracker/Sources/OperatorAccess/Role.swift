// SPDX-License-Identifier: Apache-2.0

/// What an operator may be. A token has any number of roles, and may what they allow together.
package enum Role: String, CaseIterable, Codable, Comparable, Sendable {
    /// Looks at everything but the tokens and the audit trail.
    case viewer
    /// Runs rollouts.
    case `operator`
    /// Publishes masters, and what publishers have signed.
    case publisher
    /// Enrols and revokes hosts, gives out tokens and reads the audit trail. An admin neither publishes nor rolls out:
    /// whoever shall do both holds both roles.
    case admin

    /// What the role allows.
    package var permissions: Set<Permission> {
        switch self {
        case .viewer: [.view]
        case .operator: [.view, .rollOut]
        case .publisher: [.view, .publish]
        case .admin: [.view, .manageHosts, .manageTokens, .createTokens, .readAudit]
        }
    }

    package static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}
