// SPDX-License-Identifier: Apache-2.0

/// The longest messages a connection accepts; each is met before memory is spent (bytes, without the length prefix).
package struct MessageLimits: Equatable, Sendable {
    /// The longest answer to a request: BEP 3's 16 KiB, unless more is ever asked for at once. A block's bytes are not
    /// gathered, so that this bounds no memory.
    package var blockLength: Int = 16 * 1024
    /// The longest bitfield, from the image's number of pieces.
    package var bitfieldLength: Int
    /// The longest message of the extension protocol (BEP 10).
    package var extendedLength: Int = 64 * 1024
    /// The most hashes in one answer, proof included (BEP 52).
    package var hashCount: Int = 8192 + 64
    /// The longest message of an unknown kind that is skipped rather than refused.
    package var unknownLength: Int = 16 * 1024

    /// The limits for an image of `pieceCount` pieces.
    package init(pieceCount: Int) {
        bitfieldLength = (pieceCount + 7) / 8
    }
}
