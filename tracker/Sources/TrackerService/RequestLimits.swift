// SPDX-License-Identifier: Apache-2.0

/// What HTTP requests may cost the tracker.
package struct RequestLimits: Sendable {
    /// The longest .torrent taken into the catalogue: 16 MiB, the piece layer of half a million pieces.
    package var torrentByteCount = 16 << 20
    /// Torrents received at once. More are asked to come back, so that uploads are bounded in memory.
    package var concurrentUploads = 4
    /// Masters in the catalogue.
    package var masters = 10_000
    /// The longest label, in bytes of UTF-8.
    package var labelByteCount = 200
    /// The longest header field, in bytes.
    package var headerFieldByteCount = 16 << 10
    /// All header fields together, in bytes.
    package var headerByteCount = 32 << 10
    /// The number of header fields.
    package var headerFieldCount = 100
    /// Connections at once on each listener; less where the process may not open as many files.
    package var connections = 16_384
    /// Seconds after which a connection on which nothing happens is closed.
    package var idleSeconds: Int64 = 30

    package init() {}
}
