// SPDX-License-Identifier: Apache-2.0

import CLinuxPriority
import ImageStore
package import Metainfo
package import PeerTransport

/// An image that is being fetched while nobody waits for it: its writes, and the syncs above all, yield to everything else
/// that wants the disk. Schedulers that know no priorities, such as "none", pass over it.
package struct BackgroundBytes: ImageBytes {
    private let image: any ImageBytes

    package init(image: any ImageBytes) { self.image = image }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int {
        try image.read(into: buffer, at: offset)
    }

    package func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        image.readCached(into: buffer, at: offset)
    }

    package func duplicate() -> Int32? { image.duplicate() }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        try Self.yielding { try image.write(bytes, at: offset) }
    }

    package func recordVerified(_ pieces: [PieceIndex]) throws {
        try Self.yielding { try image.recordVerified(pieces) }
    }

    /// Runs blocking work of this thread with the least priority for the disk.
    static func yielding<Result>(_ work: () throws -> Result) rethrows -> Result {
        let before = io_priority()
        guard before >= 0, set_io_priority(io_priority_idle) == 0 else { return try work() }
        // The thread serves others next.
        defer { _ = set_io_priority(before) }
        return try work()
    }
}
