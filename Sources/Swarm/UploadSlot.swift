// SPDX-License-Identifier: Apache-2.0

/// Where one peer stands with being served. Small and flat: those of all peers are looked at whenever one of them begins or ends
/// to want something.
struct UploadSlot: Sendable {
    /// Whether the peer is interested in this side.
    var isInterested = false
    var isChoked = true
    /// Since when the peer has been interested without being served.
    var waitsSince: Duration
    /// Until when the peer is served last, because it kept to itself what it was given.
    var waitsUntil = Duration.zero
    var servedSince: Duration?
    /// What had been sent when it was last unchoked.
    var sentBefore: Int64 = 0
}
