// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Swarm

/// A connection as its image's driver holds it: what is said to it reaches it in order. It says what happens to it with
/// the driver's `received`, `store`, `lost` and, last, `disconnected`.
protocol SwarmConnection: Sendable {
    /// The swarm let the connection in.
    func begin(have: Bitfield, limits: SwarmLimits, metainfo: Metainfo)
    func perform(_ commands: [SessionCommand])
    /// Whether at the other end is an HTTP server and no peer.
    var isWebSeed: Bool { get }
}
