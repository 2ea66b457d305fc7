// SPDX-License-Identifier: Apache-2.0

/// Which host must leave its state next: a binary heap by time, and by place at the same time.
///
/// A host whose deadline changes gets a second entry. The owner drops entries that no longer hold when they come up.
struct DeadlineQueue: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let at: Instant
        let host: Int

        func precedes(_ other: Entry) -> Bool {
            (at.milliseconds, host) < (other.at.milliseconds, other.host)
        }
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].precedes(heap[least]) { least = child }
            }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    mutating func removeAll() { heap.removeAll() }
}
