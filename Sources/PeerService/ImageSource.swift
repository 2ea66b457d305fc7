// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import PeerTransport

extension PartialImage: ImageBytes {}

/// A registered master as the transport serves it. Nothing is ever written to it.
struct MasterBytes: ImageBytes {
    let file: any OpenFile

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int {
        try file.read(into: buffer, at: offset)
    }

    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        file.readCached(into: buffer, at: offset)
    }

    func duplicate() -> Int32? { file.duplicate() }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        throw HostFailure(.failed, "a registered master is never written to; this is a bug")
    }

    func recordVerified(_ pieces: [PieceIndex]) throws {
        throw HostFailure(.failed, "a registered master is verified already; this is a bug")
    }
}
