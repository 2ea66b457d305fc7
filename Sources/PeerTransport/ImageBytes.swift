// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// The bytes of one image, as the transport reads and writes them. Calls block and come from several threads at once.
package protocol ImageBytes: Sendable {
    /// Fills `buffer` from `offset` on.
    /// - Returns: the number of bytes read; fewer than asked for only at the image's end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int
    /// Fills `buffer` from `offset` on, if that takes no waiting: called on event loops.
    /// - Returns: whether all of it was there.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool
    /// A descriptor of a file in which the image's bytes lie at their offsets, from which the kernel is to send them. The
    /// caller closes it.
    /// - Returns: `nil` when there is none; the bytes are read then.
    func duplicate() -> Int32?
    /// Writes bytes that are not verified yet. They count for nothing until ``recordVerified(_:)``.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws
    /// Makes these pieces' bytes durable, and then the fact that they are verified.
    func recordVerified(_ pieces: [PieceIndex]) throws
}

extension ImageBytes {
    /// An image of which that cannot be told is read on threads.
    package func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool { false }

    package func duplicate() -> Int32? { nil }
}
