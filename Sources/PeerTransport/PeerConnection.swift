// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import Swarm

/// A connection to a peer: everything said to it is carried to its event loop in order.
struct PeerConnection: SwarmConnection {
    private let handler: NIOLoopBound<PeerChannelHandler>

    init(_ handler: NIOLoopBound<PeerChannelHandler>) { self.handler = handler }

    var isWebSeed: Bool { false }

    func begin(have: Bitfield, limits: SwarmLimits, metainfo: Metainfo) {
        handler.eventLoop.execute { handler.value.begin(have: have, limits: limits, metainfo: metainfo) }
    }

    func perform(_ commands: [SessionCommand]) {
        handler.eventLoop.execute { handler.value.perform(commands) }
    }
}
