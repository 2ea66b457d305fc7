// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
import FoundationEssentials
import Glibc

/// The folder that holds a fleet's authority: its certificate, which all may read, and its key, which nobody but its owner may.
package enum FleetFolder {
    /// Why an authority cannot be made or used, as one sentence.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private static let byteLimit = 64 << 10

    /// Makes a folder with an authority in it. One that is there is never touched.
    package static func keep(_ authority: FleetAuthority, in folder: String) throws {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("made", folder, errno) }
        try write(authority.secret.pem, to: keyPath(folder), mode: 0o600)
        try write(authority.anchor.pem, to: certificatePath(folder), mode: 0o644)
    }

    /// Opens the authority in a folder.
    package static func open(_ folder: String) throws -> FleetAuthority {
        guard access(keyPath(folder), R_OK) == 0 else { throw failure("read", keyPath(folder), errno) }
        let mode = try FileManager.default.attributesOfItem(atPath: keyPath(folder))[.posixPermissions] as? Int
        guard let mode, mode & 0o077 == 0 else {
            throw Failure(
                description:
                    "\(keyPath(folder)), the key of the fleet's authority, may be read by others; make it yours "
                    + "alone: chmod 600")
        }
        do {
            let anchor = try FleetAnchor(pem: read(certificatePath(folder)))
            guard let key = IdentityKey(pem: try read(keyPath(folder))) else { throw IdentityRefusal.unreadable }
            return try FleetAuthority(anchor: anchor, key: key)
        } catch let refusal as IdentityRefusal {
            throw Failure(
                description:
                    "the authority in \(folder) cannot be used (\(refusal.rawValue)); restore the folder from a backup")
        }
    }

    private static func certificatePath(_ folder: String) -> String { "\(folder)/authority.pem" }
    private static func keyPath(_ folder: String) -> String { "\(folder)/authority.key" }

    private static func read(_ path: String) throws -> String {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read", path, errno) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: byteLimit)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw failure("read", path, errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Writes a new file and makes it durable.
    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let file = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
        guard file >= 0 else {
            if errno == EEXIST {
                throw Failure(
                    description: "there is a fleet's authority in \(path) already, and it is never overwritten; choose "
                        + "another folder")
            }
            throw failure("written", path, errno)
        }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            let code = errno
            unlink(path)
            throw failure("written", path, code)
        }
    }

    private static func failure(_ what: String, _ path: String, _ code: Int32) -> Failure {
        Failure(description: "\(path) cannot be \(what): \(String(cString: strerror(code)))")
    }
}
