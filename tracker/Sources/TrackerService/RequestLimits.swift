// SPDX-License-Identifier: Apache-2.0

/// What HTTP requests may cost the tracker.
package struct RequestLimits: Sendable {
    /// The longest .torrent taken into the catalogue: 16 MiB, the piece layer of half a million pieces.
    package var torrentByteCount = 16 << 20
    /// The bytes of all torrents that are being received, together; of all reports of hosts; and of all answers of the API
    /// that are being sent. Who would need more is asked to come back.
    package var transferByteCount = 64 << 20
    /// The longest label, in bytes of UTF-8.
    package var labelByteCount = 200
    /// The longest header field, in bytes.
    package var headerFieldByteCount = 16 << 10
    /// All header fields together, in bytes.
    package var headerByteCount = 32 << 10
    /// The number of header fields.
    package var headerFieldCount = 100
    /// Connections at once on each listener; less where the process may not open as many files. Each host of the largest
    /// fleet waits for orders on one, and operators still get in.
    package var connections = 24_576
    /// Connections on all listeners that wait for a request; where there are more, the oldest ends.
    package var waitingConnections = 1024
    /// Seconds that a request may take to arrive, that a connection may wait for the next one, and that nothing of an
    /// answer may be taken.
    package var idleSeconds: Int64 = 30

    /// Who watches events at once through the API, and at the console; and for how many seconds before they have to ask
    /// again.
    package var eventStreams = 64
    package var consoleStreams = 64
    package var eventStreamSeconds: Int64 = 300

    package init() {}
}
