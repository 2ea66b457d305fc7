// SPDX-License-Identifier: Apache-2.0

/// Connections that wait for a request, about in the order in which they began to: each stands in it once, and moves to its end
/// when it comes to the front and has meanwhile begun to wait anew.
struct WaitingLine {
    struct Entry {
        let socket: Int32
        /// Tells the connection from a later one of the same number.
        let serial: UInt64
        let since: Duration
    }

    private var entries: [Entry] = []
    private var front = 0

    var first: Entry? { front < entries.count ? entries[front] : nil }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func removeFirst() {
        guard front < entries.count else { return }
        front += 1
        guard front > 1024, front > entries.count / 2 else { return }
        entries.removeFirst(front)
        front = 0
    }
}
