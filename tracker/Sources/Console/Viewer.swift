// SPDX-License-Identifier: Apache-2.0

/// Who looks at a page, and what they may do: what they may not is not offered.
package struct Viewer: Sendable {
    package let name: String
    package let mayRollOut: Bool
    package let mayReadAudit: Bool
    package let mayManageHosts: Bool
    package let mayManageTokens: Bool
    package let mayCreateTokens: Bool

    package init(
        name: String, mayRollOut: Bool, mayReadAudit: Bool, mayManageHosts: Bool, mayManageTokens: Bool,
        mayCreateTokens: Bool
    ) {
        self.name = name
        self.mayRollOut = mayRollOut
        self.mayReadAudit = mayReadAudit
        self.mayManageHosts = mayManageHosts
        self.mayManageTokens = mayManageTokens
        self.mayCreateTokens = mayCreateTokens
    }
}
