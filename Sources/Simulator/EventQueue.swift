// SPDX-License-Identifier: Apache-2.0

/// What is going to happen, in the order of virtual time; what happens at the same instant happens in the order in
/// which it was scheduled. A binary heap of short entries: events are long, and stay where they are put.
struct EventQueue<Event> {
    private struct Entry {
        let time: Int64
        let sequence: UInt64
        /// Where the event lies.
        let place: Int

        func precedes(_ other: Entry) -> Bool { (time, sequence) < (other.time, other.sequence) }
    }

    private var heap: [Entry] = []
    private var events: [Event?] = []
    private var freePlaces: [Int] = []
    private var scheduled: UInt64 = 0

    /// - Parameter time: nanoseconds since the world began.
    mutating func schedule(_ event: Event, at time: Int64) {
        let entry = Entry(time: time, sequence: scheduled, place: store(event))
        scheduled += 1
        var child = heap.count
        heap.append(entry)
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.precedes(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    mutating func next() -> (time: Int64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(last) }
        freePlaces.append(first.place)
        return events[first.place].take().map { (first.time, $0) }
    }

    private mutating func store(_ event: Event) -> Int {
        guard let place = freePlaces.popLast() else {
            events.append(event)
            return events.count - 1
        }
        events[place] = event
        return place
    }

    /// Finds the place of an entry that replaces the first one.
    private mutating func sink(_ entry: Entry) {
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(entry) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = entry
    }
}
