// SPDX-License-Identifier: Apache-2.0

import CLinuxPriority
import Metainfo
import PeerService
import PeerTransport
import Synchronization
import Testing

@Suite struct BackgroundBytesTests {
    /// Notes with what priority for the disk it is called.
    private final class Noting: ImageBytes {
        struct Refused: Error {}

        let priorities = Mutex<[Int32]>([])
        let fails: Bool

        init(fails: Bool = false) { self.fails = fails }

        private func note() throws {
            priorities.withLock { $0.append(io_priority()) }
            if fails { throw Refused() }
        }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int {
            try note()
            return 0
        }

        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws { try note() }

        func recordVerified(_ pieces: [PieceIndex]) throws { try note() }
    }

    @Test func `what is written in the background yields the disk to others, and its thread does not afterwards`()
        throws
    {
        let before = io_priority()
        try #require(before >= 0 && before != io_priority_idle)
        let image = Noting()
        let background = BackgroundBytes(image: image)
        try background.write(UnsafeRawBufferPointer(start: nil, count: 0), at: 0)
        try background.recordVerified([])
        // Whoever reads waits for it.
        _ = try background.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0), at: 0)
        #expect(image.priorities.withLock { $0 } == [io_priority_idle, io_priority_idle, before])
        #expect(io_priority() == before)
        #expect(throws: Noting.Refused.self) {
            try BackgroundBytes(image: Noting(fails: true)).recordVerified([])
        }
        #expect(io_priority() == before)
    }
}
