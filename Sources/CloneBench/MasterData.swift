// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// The made-up master: bytes that nothing can compress, always the same, in the first half, and nothing in the second.
package struct MasterData: Sendable {
    package let size: Int64
    private static let bufferLength = 1 << 20

    package init(size: Int64) { self.size = size }

    /// Writes it and syncs it.
    /// - Parameter hasHoles: whether the empty half stays a hole; it is written as zeros otherwise.
    package func write(to file: any OpenFile, hasHoles: Bool) throws {
        let data = BenchPlan.dataLength(of: size)
        var buffer = [UInt64](repeating: 0, count: Self.bufferLength / 8)
        var state: UInt64 = 0x6472_6f76_6572
        var offset: Int64 = 0
        let end = hasHoles ? data : size
        while offset < end {
            try Task.checkCancellation()
            for index in buffer.indices { buffer[index] = offset < data ? Self.next(&state) : 0 }
            let count = Int(min(Int64(Self.bufferLength), end - offset))
            try Self.write(buffer, count: count, to: file, at: offset)
            offset += Int64(count)
        }
        try file.sync()
    }

    private static func write(
        _ buffer: [UInt64], count: Int, to file: any OpenFile, at offset: Int64
    ) throws(FileError) {
        try buffer.withUnsafeBufferPointer { words throws(FileError) in
            try file.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(words)[..<count]), at: offset)
        }
    }

    /// Xorshift: fast, and random enough for a disk.
    private static func next(_ state: inout UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
