// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// A file with a certificate or a key.
package enum PEMFile {
    /// Why one cannot be used, as one sentence.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }

        init(_ what: String, _ path: String, _ code: Int32) {
            description = "\(path) cannot be \(what): \(String(cString: strerror(code)))"
        }
    }

    private static let byteLimit = 64 << 10

    /// Reads a file that everybody may read.
    package static func read(_ path: String) throws(Failure) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure("read", path, errno) }
        defer { close(file) }
        return try text(of: file, path)
    }

    /// Reads a key, which only its owner, and a group where that is `allowed`, may read.
    package static func readKey(_ path: String, groupIsAllowed: Bool = false) throws(Failure) -> String {
        guard access(path, R_OK) == 0 else { throw Failure("read", path, errno) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & (groupIsAllowed ? 0o037 : 0o077) == 0 else {
            throw Failure(
                description: "\(path), a secret key, may be read by others; make it yours alone: chmod 600")
        }
        return try read(path)
    }

    private static func text(of file: Int32, _ path: String) throws(Failure) -> String {
        var bytes = [UInt8](repeating: 0, count: byteLimit)
        var count = 0
        while count < bytes.count {
            let part = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { Glibc.read(file, $0 + count, buffer.count - count) } ?? -1
            }
            guard part >= 0 else { throw Failure("read", path, errno) }
            if part == 0 { return String(decoding: bytes.prefix(count), as: UTF8.self) }
            count += part
        }
        throw Failure(description: "\(path) is too long for a certificate or a key; name the right file")
    }
}
