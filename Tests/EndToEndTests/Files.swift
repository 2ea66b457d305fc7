// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TestSupport

/// The content of a file.
func readFile(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

/// Puts a file there.
func writeFile(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// Makes a raw image of random bytes; the same seed always gives the same ones.
/// - Parameter hole: bytes at the end that are left as a hole.
@discardableResult
func makeImage(_ path: String, mebibytes: Int, seed: UInt64 = 1, hole: Int = 0) throws -> String {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw TestFailure("cannot make \(path)") }
    defer { close(descriptor) }
    var random = SplitMix(state: seed)
    for _ in 0..<mebibytes {
        let bytes = random.bytes(1 << 20)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw TestFailure("cannot fill \(path)") }
    }
    guard ftruncate(descriptor, off_t(mebibytes << 20 + hole)) == 0 else { throw TestFailure("cannot size \(path)") }
    return path
}

/// Changes one byte of a file, which may be read-only.
/// - Parameter keepingTime: whether the file keeps its time of change, as bit rot would leave it.
func flipByte(of path: String, at offset: Int, keepingTime: Bool = false) throws {
    var status = stat()
    guard stat(path, &status) == 0, chmod(path, 0o644) == 0 else { throw TestFailure("there is no \(path)") }
    let descriptor = open(path, O_RDWR)
    defer { close(descriptor) }
    var byte: UInt8 = 0
    guard pread(descriptor, &byte, 1, off_t(offset)) == 1 else {
        throw TestFailure("\(path) is shorter than \(offset)")
    }
    byte ^= 0xff
    pwrite(descriptor, &byte, 1, off_t(offset))
    fsync(descriptor)
    chmod(path, status.st_mode & 0o7777)
    if keepingTime {
        let times = [status.st_atim, status.st_mtim]
        futimens(descriptor, times)
    }
}

/// Whether two files have the same bytes.
func areIdentical(_ one: String, _ other: String) async throws -> Bool {
    try await ChildProcess.run("cmp", ["-s", one, other]).status == 0
}

/// Bytes that a file occupies on disk.
func allocated(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
}

/// Every file under a folder with its size, sorted; lock and socket left out. What a refused command must not change.
func listing(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0 != "lock" && $0 != "control.sock" }
        .map { name in
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { throw TestFailure("\(name) vanished") }
            return status.st_mode & S_IFMT == S_IFDIR ? "\(name)/" : "\(name) \(status.st_size)"
        }.sorted()
}
