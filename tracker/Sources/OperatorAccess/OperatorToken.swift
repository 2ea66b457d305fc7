// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What the tracker knows of a token: everything but the token.
package struct OperatorToken: Equatable, Sendable {
    /// The longest name, in bytes of UTF-8.
    package static let nameLimit = 100
    /// The most scopes.
    package static let scopeLimit = 32

    /// See ``TokenSecret/id``.
    package let id: String
    /// The SHA-256 of the token.
    package let digest: SHA256Digest
    /// Who holds it, in their own words.
    package var name: String
    package var roles: Set<Role>
    /// The lines of masters it is for; every line when there is none.
    package var scopes: Set<LineScope>
    /// Whether it is good for making one other token and nothing else.
    package var isOneTime: Bool
    /// Who made it: a token's id, or `local`.
    package var creator: String
    /// Seconds since 1970.
    package var created: Int64
    package var expires: Int64
    /// When it was withdrawn, or used up if it is for one time.
    package var revoked: Int64?

    package init(
        digest: SHA256Digest, name: String, roles: Set<Role>, scopes: Set<LineScope> = [], isOneTime: Bool = false,
        creator: String, created: Int64, expires: Int64, revoked: Int64? = nil
    ) {
        id = TokenSecret.id(of: digest)
        self.digest = digest
        self.name = name
        self.roles = roles
        self.scopes = scopes
        self.isOneTime = isOneTime
        self.creator = creator
        self.created = created
        self.expires = expires
        self.revoked = revoked
    }

    /// Whether somebody who presents `secret` at `now` is its holder. How long the answer takes says nothing about how
    /// much of the digest was right.
    package func admits(_ secret: TokenSecret, at now: Int64) -> Bool {
        var difference: UInt8 = 0
        for (ours, theirs) in zip(digest.bytes, secret.digest.bytes) { difference |= ours ^ theirs }
        return difference == 0 && isValid(at: now)
    }

    /// Whether its holder is let in at all.
    package func isValid(at now: Int64) -> Bool { revoked == nil && now < expires }
}
