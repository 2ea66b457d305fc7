// SPDX-License-Identifier: Apache-2.0

/// Whom this host swaps pieces with, as `drover top` shows it. Version 1 of the schema: fields may be added, none changes
/// its meaning.
package struct SwarmsReport: Codable, Equatable, Sendable {
    package struct Swarm: Codable, Equatable, Sendable {
        /// `NAME@VERSION`.
        package var master: String
        package var size: Int64
        package var bytesVerified: Int64
        /// Bytes a second.
        package var downloadRate: Int64
        package var uploadRate: Int64
        /// How many connected peers have the rarest of the missing pieces; 0 when nothing is missing.
        package var rarestCopies: Int
        package var peers: [Peer]
    }

    package struct Peer: Codable, Equatable, Sendable {
        package var address: String
        package var rack: String?
        /// The part of the image that it has, 0 to 1.
        package var part: Double
        /// Bytes of blocks on this connection, and bytes a second.
        package var received: Int64
        package var sent: Int64
        package var downloadRate: Int64
        package var uploadRate: Int64
        /// Whether it serves this host, and whether this host serves it.
        package var serves: Bool
        package var isServed: Bool
    }

    package var schema = "drover/swarms/v1"
    /// Busiest first.
    package var swarms: [Swarm]
}
