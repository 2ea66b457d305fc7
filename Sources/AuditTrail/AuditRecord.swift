// SPDX-License-Identifier: Apache-2.0

/// One thing that somebody did, or tried to do.
package struct AuditRecord: Codable, Equatable, Sendable {
    /// The longest text of one field, in bytes of UTF-8; what is longer is cut. All of them fit into a line however JSON
    /// spells them.
    package static let fieldLimit = 1_000

    /// 1 for the first record of a trail, then one more each time.
    package internal(set) var number: Int
    /// Seconds since 1970, by the clock of whoever keeps the trail.
    package var at: Int64
    /// Who: an operator's token, a host, or `local` for whoever has the store.
    package var actor: String
    /// What was done, such as `master.activate`.
    package var action: String
    /// To what, such as `debian@3`.
    package var subject: String
    /// How it was before and is after, where that can be said in a few words.
    package var before: String?
    package var after: String?
    /// `done`, or why it was refused or failed.
    package var outcome: String
    /// The address that it came from, and the request's id, where it came over a network.
    package var origin: String?
    package var request: String?

    package init(
        at: Int64, actor: String, action: String, subject: String, before: String? = nil, after: String? = nil,
        outcome: String = "done", origin: String? = nil, request: String? = nil
    ) {
        number = 0
        self.at = at
        self.actor = Self.cut(actor)
        self.action = Self.cut(action)
        self.subject = Self.cut(subject)
        self.before = before.map(Self.cut)
        self.after = after.map(Self.cut)
        self.outcome = Self.cut(outcome)
        self.origin = origin.map(Self.cut)
        self.request = request.map(Self.cut)
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= fieldLimit ? text : String(decoding: text.utf8.prefix(fieldLimit), as: UTF8.self)
    }
}
