// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import FoundationEssentials
import ImageStore
import PeerService

/// Who the guests in new clones are.
struct GuestOptions: ParsableArguments {
    /// Bytes; whoever names an image by mistake is told so.
    private static let longestFile = 1 << 20
    /// With what user data begins that cloud-init does not pass over.
    private static let beginnings = ["#", "Content-Type:", "MIME-Version:", "## template:", "<", "\u{1f}", "rem "]

    @Option(
        help: ArgumentHelp(
            "The guest's host name, perhaps with a domain; with --count its first part gets the clone's number. (default: "
                + "the clone's name)", valueName: "name"))
    var hostname: String?

    @Option(
        name: .customLong("ssh-key"),
        help: ArgumentHelp(
            "A public SSH key that may log in: its text or a .pub file. May be given more than once.", valueName: "key"),
        completion: .file(extensions: ["pub"]))
    var sshKeys: [String] = []

    @Option(
        help: ArgumentHelp("What cloud-init is to do: a cloud-config, a script, up to 1 MiB.", valueName: "file"),
        completion: .file())
    var userData: String?

    /// - Returns: `nil` when nothing was asked for.
    /// - Throws: ``HostFailure`` for a file that cannot be used.
    func identity() throws -> HostRequest.Identity? {
        guard hostname != nil || !sshKeys.isEmpty || userData != nil else { return nil }
        let keys = try sshKeys.map { key in
            // The text of a key has blanks, and no path has them after such a word.
            if key.contains(where: \.isWhitespace),
                key.hasPrefix("ssh-") || key.hasPrefix("ecdsa-") || key.hasPrefix("sk-")
            {
                return key
            }
            let bytes = try Self.read(key, as: "public SSH key")
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw HostFailure(.usage, "\(key) is not text and so no public SSH key; check the path")
            }
            return text
        }
        let data = try userData.map { path in
            let bytes = try Self.read(path, as: "user data")
            if !Self.beginnings.contains(where: { bytes.starts(with: $0.utf8) }), !bytes.isEmpty {
                Terminal.note(
                    "cloud-init will pass over \(path): its first line is no '#cloud-config', '#!' or the like")
            }
            return Data(bytes)
        }
        return HostRequest.Identity(hostName: hostname, sshKeys: keys, userData: data)
    }

    private static func read(_ path: String, as what: String) throws -> [UInt8] {
        do throws(FileError) {
            return try PosixFiles().contents(of: StoreLayout.resolve(path), limit: longestFile)
        } catch {
            switch error.cause {
            case .notFound: throw HostFailure(.notFound, "there is no \(what) at \(path); check the path")
            case .tooLarge: throw HostFailure(.usage, "\(path) is larger than 1 MiB and so no \(what); check the path")
            default: throw HostFailure(.failed, "the \(what) cannot be read: \(error)")
            }
        }
    }
}
