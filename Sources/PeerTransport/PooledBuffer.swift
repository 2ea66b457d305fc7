// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// One of a ``BufferPool``'s buffers, on loan. It travels as a reference, because a `ByteBuffer` that two variables
/// hold is copied when one of them writes, which is the allocation that the pool is there to avoid.
///
/// `@unchecked Sendable` is safe because there is one holder at a time: the taker, then whomever it hands the buffer to
/// through an event loop's or thread pool's queue (which orders their memory accesses), and last the pool.
package final class PooledBuffer: @unchecked Sendable {
    /// The memory. Slices of it may outlive the loan only as far as writing then copies.
    package var bytes: ByteBuffer

    init(length: Int) { bytes = ByteBufferAllocator().buffer(capacity: length) }

    /// Forgets what was readable. `ByteBuffer.clear()` would allocate anew where a slice is still held.
    func reset() {
        bytes.moveReaderIndex(to: 0)
        bytes.moveWriterIndex(to: 0)
    }
}
