// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// The socket under a channel that nothing lies between, for what the channel has no words for. It is the channel's: it is
/// used on the channel's loop alone, and not once the channel is inactive.
struct PlainSocket {
    private let descriptor: CInt

    /// - Returns: `nil` when there is no socket under the channel. To be asked once: it takes a look at the channel's type.
    init?(_ channel: any Channel) {
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let descriptor = found ?? nil else { return nil }
        self.descriptor = descriptor
    }

    /// Takes what has arrived, as far as there is room for it.
    /// - Returns: how many bytes that were; 0 also at the end of the stream and when something failed, of which the channel's next
    ///   read hears as well.
    func receive(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let start = room.baseAddress, !room.isEmpty else { return 0 }
        return max(0, recv(descriptor, start, room.count, CInt(truncatingIfNeeded: MSG_DONTWAIT)))
    }

    /// Has the kernel wait for more before it sends a packet that is not full; or send what waits.
    func setCorked(_ isCorked: Bool) {
        var value: CInt = isCorked ? 1 : 0
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<CInt>.size))
    }
}
