// SPDX-License-Identifier: Apache-2.0

/// Where one peer stands with being served. Small and flat: those of all peers are looked at whenever one of them begins or ends
/// to want something.
struct UploadSlot: Sendable {
    /// Whether the peer is interested in this side.
    var isInterested = false
    var isChoked = true
    /// Whether the peer stands in another rack; a copy of what ``PeerView`` says.
    var isForeign = false
    /// Since when the peer has been interested without being served.
    var waitsSince: Duration
    /// Until when the peer is served last, because it kept to itself what it was given.
    var waitsUntil = Duration.zero
    var servedSince: Duration?
    /// Bytes of blocks sent since it was last choked or unchoked.
    var sent: Int64 = 0
}
