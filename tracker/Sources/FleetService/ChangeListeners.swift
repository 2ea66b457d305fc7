// SPDX-License-Identifier: Apache-2.0

/// Those who wait for something to change.
struct ChangeListeners {
    private var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
    private var latest: UInt64 = 0

    mutating func add(_ continuation: AsyncStream<Void>.Continuation) -> UInt64 {
        latest += 1
        waiting[latest] = continuation
        return latest
    }

    mutating func remove(_ number: UInt64) { waiting[number] = nil }

    func tell() { for continuation in waiting.values { continuation.yield() } }
}
