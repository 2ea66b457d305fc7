// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerTransport
import Synchronization
import Testing

struct BufferPoolTests {
    @Test func `no more buffers are made than the capacity`() {
        let pool = BufferPool(bufferLength: 4096, capacity: 2)
        let taken = [pool.take(), pool.take()].compactMap { $0 }
        #expect(taken.count == 2)
        #expect(pool.take() == nil)
        #expect(pool.counts == (idle: 0, made: 2, waiting: 0))
        for buffer in taken { pool.giveBack(buffer) }
        #expect(pool.counts == (idle: 2, made: 2, waiting: 0))
    }

    @Test func `those who wait are served in the order in which they came`() throws {
        let pool = BufferPool(bufferLength: 4096, capacity: 1)
        let served = Mutex<[Int]>([])
        let first = try #require(pool.take())
        for number in 0..<3 {
            pool.take { buffer in
                served.withLock { $0.append(number) }
                pool.giveBack(buffer)
            }
        }
        #expect(served.withLock { $0 } == [])
        #expect(pool.counts.waiting == 3)
        pool.giveBack(first)
        #expect(served.withLock { $0 } == [0, 1, 2])
        #expect(pool.counts == (idle: 1, made: 1, waiting: 0))
    }

    @Test func `a buffer comes back empty and at its full length`() throws {
        let pool = BufferPool(bufferLength: 4096, capacity: 1)
        let buffer = try #require(pool.take())
        buffer.bytes.writeRepeatingByte(7, count: 4096)
        buffer.bytes.moveReaderIndex(forwardBy: 100)
        pool.giveBack(buffer)
        let again = try #require(pool.take())
        #expect(again.bytes.readableBytes == 0 && again.bytes.writableBytes >= 4096)
        #expect(again === buffer)
    }
}
