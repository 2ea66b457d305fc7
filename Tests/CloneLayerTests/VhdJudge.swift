// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metainfo
import Synchronization

/// Debian's python3-libvhdi: another implementation's opinion on what a chain of VHDs holds. One process answers all
/// questions of a run, since a suite has hundreds of them.
final class VhdJudge: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What libvhdi finds in a VHD.
    struct Finding: Equatable {
        let size: Int64
        /// Of the part that was asked for.
        let digest: SHA256Digest
        let identifier: String
        let parentIdentifier: String
        let parentName: String
    }

    static let shared = VhdJudge()

    private let process: Mutex<Process?> = Mutex(nil)
    private let questions = Pipe()
    private let answers = Pipe()

    /// Reads a VHD through its parent, which libvhdi finds by the name that the child gives, in the child's folder.
    func read(_ path: String, at offset: Int64 = 0, count: Int64? = nil) throws -> Finding {
        let answer = try process.withLock { process in
            if process == nil { process = try start() }
            try questions.fileHandleForWriting.write(contentsOf: Data("\(path)\t\(offset)\t\(count ?? -1)\n".utf8))
            return try line()
        }
        let fields = answer.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "ok", let size = Int64(fields[1]) else {
            throw Failure(description: "libvhdi about \(path): \(answer)")
        }
        let digest = stride(from: 0, to: fields[2].count, by: 2).compactMap { index in
            UInt8(fields[2].dropFirst(index).prefix(2), radix: 16)
        }
        guard let digest = SHA256Digest(digest) else { throw Failure(description: "no digest in \(answer)") }
        return Finding(
            size: size, digest: digest, identifier: fields[3], parentIdentifier: fields[4], parentName: fields[5])
    }

    private func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", Self.script]
        process.standardInput = questions
        process.standardOutput = answers
        try process.run()
        return process
    }

    private func line() throws -> String {
        var bytes = Data()
        while let byte = try answers.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte.first != 0x0a {
            bytes += byte
        }
        guard !bytes.isEmpty else {
            throw Failure(description: "python3 with pyvhdi ended; Debian's python3-libvhdi must be installed")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let script = """
        import hashlib, os, sys
        import pyvhdi

        def answer(path, offset, count):
            child = pyvhdi.file()
            child.open(path)
            parent = None
            name = child.get_parent_filename() if child.get_disk_type() == 4 else None
            if name:
                parent = pyvhdi.file()
                parent.open(os.path.join(os.path.dirname(path), name))
                child.set_parent(parent)
            size = child.get_media_size()
            left = size - offset if count < 0 else count
            digest = hashlib.sha256()
            while left > 0:
                data = child.read_buffer_at_offset(min(left, 1 << 20), offset)
                if not data:
                    raise IOError("read nothing at %d" % offset)
                digest.update(data)
                offset += len(data)
                left -= len(data)
            fields = [str(size), digest.hexdigest(), child.get_identifier() or "",
                      (child.get_parent_identifier() or "") if name else "", name or ""]
            child.close()
            if parent:
                parent.close()
            return "ok\\t" + "\\t".join(fields)

        for line in sys.stdin:
            path, offset, count = line.rstrip("\\n").split("\\t")
            try:
                result = answer(path, int(offset), int(count))
            except Exception as error:
                result = "failed " + str(error).replace("\\n", " ").replace("\\t", " ")
            print(result, flush=True)
        """
}
