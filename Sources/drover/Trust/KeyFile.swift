// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import PeerService
import Trust

/// A publisher's secret key in a file of its own.
enum KeyFile {
    private static let limit = 64 << 10

    /// - Throws: ``HostFailure`` when it is missing, no key, or open to others.
    static func read(_ path: String) throws(HostFailure) -> SigningKey {
        let files = PosixFiles()
        let resolved = StoreLayout.resolve(path)
        let bytes: [UInt8]
        do throws(FileError) {
            if let mode = try files.status(resolved)?.mode, mode & 0o077 != 0 {
                throw FileError(
                    .denied, operation: "read", path: path,
                    reason: "others may read it (mode \(String(mode, radix: 8))); make it yours alone: chmod 600")
            }
            bytes = try files.contents(of: resolved, limit: limit)
        } catch {
            if error.cause == .notFound { throw HostFailure(.notFound, "there is no key \(path); check the path") }
            throw HostFailure(.failed, "the key \(path) is not used: \(error.reason)")
        }
        guard let key = SigningKey(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw HostFailure(.failed, "\(path) is no Ed25519 key; make one with `drover key create`")
        }
        return key
    }

    /// Writes a new key; nothing that is there is ever replaced.
    static func create(_ path: String) throws(HostFailure) -> SigningKey {
        var random = SystemRandomNumberGenerator()
        let seed = (0..<SigningKey.seedByteCount).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        guard let key = SigningKey(seed: seed) else {
            throw HostFailure(.failed, "no key came of 32 random bytes; this is a bug")
        }
        let resolved = StoreLayout.resolve(path)
        do throws(FileError) {
            let file = try PosixFiles().open(resolved, .createPrivate)
            try Array(key.pem.utf8).withUnsafeBufferPointer { buffer throws(FileError) in
                try file.write(UnsafeRawBufferPointer(buffer), at: 0)
            }
            try file.sync()
            try PosixFiles().syncDirectory(resolved.parentDirectory)
        } catch {
            if error.cause == .exists {
                throw HostFailure(
                    .conflict, "there is a file \(path) already, and a key is never overwritten; choose another name")
            }
            throw HostFailure(.failed, "the key cannot be written: \(error)")
        }
        return key
    }
}
