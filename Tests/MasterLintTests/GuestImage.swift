// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Foundation
import TestSupport

/// A disk image with partitions and file systems, made without mounting anything.
struct GuestImage {
    let folder: TemporaryDirectory
    let path: String

    init(mebibytes: Int) throws {
        folder = try TemporaryDirectory()
        path = "\(folder.path)/image.raw"
        try PosixFiles().open(path, .createNew).truncate(to: Int64(mebibytes) << 20)
    }

    /// - Parameter script: what sfdisk reads.
    func partition(_ script: String) throws { _ = try Self.run("sfdisk", ["--quiet", path], input: script) }

    /// Makes an ext file system of `mebibytes` at an offset in MiB, with files in it: path to content, where a path that
    /// ends in a slash is a folder and a content that begins with `->` a link.
    func ext(
        _ files: [String: String], at offset: Int = 0, mebibytes: Int = 8, type: String = "ext4"
    ) throws {
        let tree = "\(folder.path)/tree-\(UUID().uuidString)"
        let manager = FileManager.default
        try manager.createDirectory(atPath: tree, withIntermediateDirectories: true)
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            let place = "\(tree)/\(name)"
            if name.hasSuffix("/") {
                try manager.createDirectory(atPath: place, withIntermediateDirectories: true)
                continue
            }
            try manager.createDirectory(
                atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            if content.hasPrefix("->") {
                try manager.createSymbolicLink(atPath: place, withDestinationPath: String(content.dropFirst(2)))
            } else {
                try Data(content.utf8).write(to: URL(fileURLWithPath: place))
            }
        }
        _ = try Self.run(
            "mke2fs", ["-q", "-F", "-t", type, "-d", tree, "-E", "offset=\(offset << 20)", path, "\(mebibytes)M"])
    }

    /// Makes a FAT file system of `mebibytes` at an offset in MiB, with files in it: path to content, folders first.
    /// - Parameter options: mformat's.
    func fat(
        _ files: [(path: String, content: String)], at offset: Int, mebibytes: Int, options: [String] = []
    ) throws {
        let place = "\(path)@@\(offset)M"
        let size = ["-T", "\(mebibytes * 2048)", "-h", "64", "-s", "32"]
        _ = try Self.run("mformat", ["-i", place] + size + options + ["::"])
        let content = "\(folder.path)/content"
        for file in files {
            if file.path.hasSuffix("/") {
                _ = try Self.run("mmd", ["-i", place, "::/\(file.path.dropLast())"])
            } else {
                try Data(file.content.utf8).write(to: URL(fileURLWithPath: content))
                _ = try Self.run("mcopy", ["-i", place, content, "::/\(file.path)"])
            }
        }
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws {
        let file = try PosixFiles().open(path, .update)
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    func bytes() throws -> [UInt8] { try PosixFiles().contents(of: path, limit: 1 << 30) }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a tool that must succeed.
    static func run(_ tool: String, _ arguments: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1"]
        let (words, answer) = (Pipe(), Pipe())
        process.standardInput = words
        process.standardOutput = answer
        process.standardError = answer
        try process.run()
        words.fileHandleForWriting.write(Data(input.utf8))
        try words.fileHandleForWriting.close()
        let output = String(decoding: try answer.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(tool) \(arguments.joined(separator: " ")): \(output)")
        }
        return output
    }
}
