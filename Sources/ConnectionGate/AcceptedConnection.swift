// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import NIOCore
import Synchronization

/// An HTTP connection that was accepted, and is closed when nobody comes to serve it.
///
/// A server that stops drops what it has accepted and not begun to serve, and NIO ends the process when an `NIOAsyncChannel`
/// is let go of that nobody closed (its issue 2637).
package final class AcceptedConnection: ServerChildChannelValue {
    private let connection: HTTP1Channel.Value
    private let isServed = Atomic(false)

    init(_ connection: HTTP1Channel.Value) { self.connection = connection }

    package var channel: any Channel { connection.channel }

    /// Hands the connection to whoever serves it, and closes it.
    func serve(_ server: (HTTP1Channel.Value) async -> Void) async {
        isServed.store(true, ordering: .relaxed)
        await server(connection)
    }

    deinit {
        guard !isServed.load(ordering: .relaxed) else { return }
        Task { [connection] in try? await connection.executeThenClose { _, _ in } }
    }
}
