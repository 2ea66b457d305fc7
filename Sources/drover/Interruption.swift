// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Turns the first Ctrl-C or SIGTERM into a cancelled task, so that commands clean up; a second one ends at once.
enum Interruption {
    static func run(_ body: sending @escaping () async throws -> Void) async throws {
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if task.isCancelled { Glibc.exit(130) }
                task.cancel()
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        do {
            try await task.value
        } catch {
            // Whatever was under way broke off because of the interruption, however it puts it.
            throw task.isCancelled ? CancellationError() : error
        }
    }
}
