// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metainfo
import PeerTransport
import Synchronization
import TestSupport

/// An image in memory that keeps book of what the transport does to it, and can fail or be slow on demand.
final class MemoryImage: ImageBytes {
    /// What goes wrong with this image.
    enum Fault {
        case none
        /// Every write fails.
        case write
        /// Every read fails.
        case read
        /// Making pieces durable fails.
        case record
        /// Every write takes this many microseconds, as on a slow disk.
        case slowWrite(UInt32)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var bytes: [UInt8]
        var recorded: [PieceIndex] = []
        /// Pieces that were recorded while their bytes did not match.
        var wronglyRecorded: [PieceIndex] = []
        var writes = 0
        /// Bytes that were read, into memory.
        var readBytes = 0
        var callsUnderWay = 0
        /// Writes that would have gone beyond the image's end.
        var overruns = 0
    }

    private let metainfo: Metainfo
    private let fault: Fault
    private let state: Mutex<State>
    /// A file with the same bytes, or -1.
    private let file: Int32

    /// - Parameters:
    ///   - bytes: what the image holds at first; zeros when `nil`, as a new sparse file does.
    ///   - isInFile: whether a file holds the bytes, from which the kernel may send them. They do not change then.
    init(_ metainfo: Metainfo, bytes: [UInt8]? = nil, fault: Fault = .none, isInFile: Bool = false) {
        self.metainfo = metainfo
        self.fault = fault
        file = isInFile ? Self.file(holding: bytes ?? []) : -1
        state = Mutex(State(bytes: bytes ?? Array(repeating: 0, count: Int(metainfo.geometry.size))))
    }

    private static func file(holding bytes: [UInt8]) -> Int32 {
        var path = Array("/tmp/drover-image-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        unlink(path)
        return bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) } == bytes.count ? file : -1
    }

    deinit { if file >= 0 { close(file) } }

    /// Whether the image is exactly these bytes. (An expectation that compared the arrays themselves would work out their
    /// difference when it fails, which takes for ever at this length.)
    func holds(_ bytes: [UInt8]) -> Bool { state.withLock { $0.bytes == bytes } }
    var recorded: [PieceIndex] { state.withLock { $0.recorded } }
    var wronglyRecorded: [PieceIndex] { state.withLock { $0.wronglyRecorded } }
    var writes: Int { state.withLock { $0.writes } }
    var readBytes: Int { state.withLock { $0.readBytes } }
    var overruns: Int { state.withLock { $0.overruns } }
    var callsUnderWay: Int { state.withLock { $0.callsUnderWay } }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int {
        if case .read = fault { throw Failure(description: "the disk cannot be read") }
        return state.withLock { state in
            let start = min(Int(offset), state.bytes.count)
            let end = min(start + buffer.count, state.bytes.count)
            state.bytes[start..<end].withUnsafeBytes { buffer.copyMemory(from: $0) }
            state.readBytes += end - start
            return end - start
        }
    }

    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        file >= 0 && (try? read(into: buffer, at: offset)) == buffer.count
    }

    func duplicate() -> Int32? { file >= 0 ? dup(file) : nil }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        state.withLock { $0.callsUnderWay += 1 }
        defer { state.withLock { $0.callsUnderWay -= 1 } }
        switch fault {
        case .write: throw Failure(description: "the disk is full")
        case .slowWrite(let microseconds): usleep(microseconds)
        case .none, .read, .record: break
        }
        state.withLock { state in
            state.writes += 1
            let end = Int(offset) + bytes.count
            guard end <= state.bytes.count else { return state.overruns += 1 }
            state.bytes[Int(offset)..<end].withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
        }
    }

    func recordVerified(_ pieces: [PieceIndex]) throws {
        if case .record = fault { throw Failure(description: "the journal cannot be written") }
        state.withLock { state in
            for piece in pieces {
                let start = Int(metainfo.geometry.offset(of: piece))
                let content = state.bytes[start..<start + metainfo.geometry.length(of: piece)]
                let leaves = content.withUnsafeBytes { MerkleTree.leaves(of: $0) }
                if MerkleTree.pieceHash(leaves: leaves, geometry: metainfo.geometry) != metainfo.hash(of: piece) {
                    state.wronglyRecorded.append(piece)
                }
                state.recorded.append(piece)
            }
        }
    }
}
