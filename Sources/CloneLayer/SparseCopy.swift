// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// Copies a master's bytes into a new file and keeps its holes.
struct SparseCopy {
    let files: any FileAccess
    private static let bufferSize = 1 << 20

    /// - Returns: the new file, written and not synced, of the master's size.
    func copy(_ master: MasterImage, to path: String) throws(FileError) -> any OpenFile {
        let source = try files.open(master.path, .read)
        let target = try files.open(path, .createNew)
        try files.setMode(path, 0o644)
        try target.truncate(to: master.size)
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        var position: Int64 = 0
        while position < master.size, let run = try source.nextData(from: position) {
            let end = min(run.upperBound, master.size)
            position = run.lowerBound
            while position < end {
                let wanted = Int(min(Int64(Self.bufferSize), end - position))
                let offset = position
                let count = try buffer.withUnsafeMutableBufferPointer { bytes throws(FileError) -> Int in
                    let bytes = UnsafeMutableRawBufferPointer(bytes)
                    let chunk = UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted])
                    let count = try source.read(into: chunk, at: offset)
                    try target.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: offset)
                    return count
                }
                guard count == wanted else {
                    throw FileError(
                        .io, operation: "copy", path: master.path,
                        reason: "it is shorter than the \(master.size) bytes known")
                }
                position += Int64(count)
            }
        }
        return target
    }
}
