// SPDX-License-Identifier: Apache-2.0

/// One kind of thing that somebody may do through the tracker's API.
package enum Permission: String, CaseIterable, Sendable {
    /// Look at masters, hosts and rollouts.
    case view
    /// Publish masters and file what publishers have signed.
    case publish
    /// Plan, start, stop and undo rollouts, and keep hosts out of them.
    case rollOut = "roll-out"
    /// Give out enrolment tokens, label and revoke hosts.
    case manageHosts = "manage-hosts"
    /// See and revoke operators' tokens.
    case manageTokens = "manage-tokens"
    /// Make operators' tokens. Apart from the rest, since a one-time token may do this and nothing else.
    case createTokens = "create-tokens"
    /// Read the audit trail.
    case readAudit = "read-audit"
}
