// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOPosix
package import Swarm

/// What all connections of one process share: threads for blocking work and bounded memory.
package struct TransportResources: Sendable {
    /// Event loops; connections are spread over them.
    package let group: any EventLoopGroup
    /// Threads that hash, read and write.
    package let threads: NIOThreadPool
    /// Room for extents being fetched.
    package let extents: BufferPool
    /// Room for blocks being served.
    package let reads: BufferPool
    /// What was carried, and what it cost.
    package let meter = WorkMeter()
    /// The caps on what is sent and received.
    package let up = RateGate()
    package let down = RateGate()
    /// The cap on what is received of images that are fetched in the background, beside that on everything.
    package let background = RateGate()

    /// - Parameters:
    ///   - extentCapacity: the most extents in memory at one time, 1 MiB each.
    ///   - readCapacity: the most reads in memory at one time, 512 KiB each.
    package init(
        group: any EventLoopGroup, threads: NIOThreadPool, extentCapacity: Int = 32, readCapacity: Int = 32,
        limits: SwarmLimits = SwarmLimits()
    ) {
        self.group = group
        self.threads = threads
        extents = BufferPool(bufferLength: Extent.maximumLength, capacity: extentCapacity)
        reads = BufferPool(bufferLength: limits.blocksPerRead * 16 * 1024, capacity: readCapacity)
    }

    /// How long to wait after bytes of an image were received, before more are taken; `nil` without a cap.
    func waitAfterReceiving(_ bytes: Int, inBackground: Bool) -> Duration? {
        let waits = [
            down.waitAfterReceiving(bytes), inBackground ? background.waitAfterReceiving(bytes) : nil,
        ]
        return waits.compactMap { $0 }.max()
    }

    /// Time as the decisions count it: since an arbitrary but fixed moment, never going back.
    package static var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }
}
