// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// An ext2, ext3 or ext4 file system in an image, read by e2fsprogs' debugfs. It opens the image read-only, neither mounts
/// nor repairs, and follows links within the file system alone.
struct ExtFileSystem: GuestFileSystem {
    private static let program = "debugfs"
    /// What debugfs says of a path at whose end is nothing.
    private static let absences = ["File not found by ext2_lookup", "Ext2 inode is not a directory"]
    private static let shownErrors = 200

    private let debugfs: String
    private let image: FileDescriptor
    private let offset: Int64

    /// - Parameter image: open for reading; not closed here.
    /// - Throws: ``LintObstacle`` without debugfs.
    init(_ image: FileDescriptor, offset: Int64) throws(LintObstacle) {
        guard let debugfs = ToolCall.find(Self.program) else {
            throw LintObstacle("debugfs is not installed; install e2fsprogs")
        }
        self.debugfs = debugfs
        self.image = image
        self.offset = offset
    }

    func files(in path: String) async throws -> [GuestFile]? {
        guard let bytes = try await ask("ls -p \(path)") else { return nil }
        return Self.listing(bytes)
    }

    func contents(of path: String) async throws -> [UInt8] { try await ask("cat \(path)") ?? [] }

    /// Reads `ls -p`: `/inode/mode/user/group/name/size/` on each line. A name may hold a line feed, and then reads as lines
    /// that are none or as files that are not there; nothing is done with names but to show them.
    static func listing(_ bytes: [UInt8]) -> [GuestFile] {
        bytes.split(separator: 0x0a).compactMap { line in
            let fields = line.split(separator: 0x2f, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            // checked: there are eight fields, which is compared first.
            guard fields.count == 8, fields[0].isEmpty, fields[7].isEmpty, !fields[5].isEmpty,
                let inode = UInt32(fields[1]), inode > 0, let mode = UInt32(fields[2], radix: 8)
            else { return nil }
            let kind: GuestFile.Kind =
                switch mode & 0o170000 {
                case 0o100000: .regular
                case 0o040000: .directory
                case 0o120000: .link
                default: .other
                }
            return GuestFile(name: fields[5], kind: kind, size: kind == .regular ? Int64(fields[6]) ?? 0 : 0)
        }
    }

    /// What debugfs prints, or `nil` when it finds no such path.
    private func ask(_ request: String) async throws -> [UInt8]? {
        // The image is its standard input: a store's path could have a '?' in it, where debugfs looks for options.
        let call = ToolCall(
            program: debugfs, arguments: ["-c", "-R", request, "/proc/self/fd/0?offset=\(offset)"])
        let output = try await call.run(on: image)
        // The first line is its version.
        let errors = output.errors.split(separator: "\n").filter { !$0.hasPrefix("debugfs 1.") }
        if errors.contains(where: { line in Self.absences.contains { line.contains($0) } }) { return nil }
        guard errors.isEmpty, output.isSuccess else {
            let words =
                errors.first.map { String($0.unicodeScalars.prefix(Self.shownErrors).shown) } ?? "no reason given"
            throw LintObstacle("debugfs could not read it: \(words)")
        }
        return output.bytes
    }
}

extension Sequence<Unicode.Scalar> {
    /// As text that no terminal acts on.
    var shown: String {
        reduce(into: "") { result, scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate, .format: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
