// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
import FoundationEssentials
import Glibc

/// The folder that holds a fleet's authority: its certificate, which all may read, and its key, which nobody but its owner may.
package enum FleetFolder {
    package typealias Failure = PEMFile.Failure

    /// Makes a folder with an authority in it, durably. One that is there is never touched.
    package static func keep(_ authority: FleetAuthority, in folder: String) throws {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Failure("made", folder, errno) }
        try write(authority.secret.pem, to: keyPath(folder), mode: 0o600)
        try write(authority.anchor.pem, to: certificatePath(folder), mode: 0o644)
        // Both files have names that a power cut leaves, and so has the folder.
        for path in [folder, "\(folder)/.."] {
            let file = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard file >= 0 else { throw Failure("written", path, errno) }
            defer { close(file) }
            guard fsync(file) == 0 else { throw Failure("written", path, errno) }
        }
    }

    /// Opens the authority in a folder.
    package static func open(_ folder: String) throws -> FleetAuthority {
        let secret = try PEMFile.readKey(keyPath(folder))
        do {
            let anchor = try FleetAnchor(pem: PEMFile.read(certificatePath(folder)))
            guard let key = IdentityKey(pem: secret) else { throw IdentityRefusal.unreadable }
            return try FleetAuthority(anchor: anchor, key: key)
        } catch let refusal as IdentityRefusal {
            throw Failure(
                description:
                    "the authority in \(folder) cannot be used (\(refusal.rawValue)); restore the folder from a backup")
        }
    }

    private static func certificatePath(_ folder: String) -> String { "\(folder)/authority.pem" }
    private static func keyPath(_ folder: String) -> String { "\(folder)/authority.key" }

    /// Writes a new file and makes it durable.
    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let file = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
        guard file >= 0 else {
            if errno == EEXIST {
                throw Failure(
                    description: "there is a fleet's authority in \(path) already, and it is never overwritten; choose "
                        + "another folder")
            }
            throw Failure("written", path, errno)
        }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            let code = errno
            unlink(path)
            throw Failure("written", path, code)
        }
    }
}
