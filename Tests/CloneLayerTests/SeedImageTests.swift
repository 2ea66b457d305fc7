// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Foundation
import Metainfo
import Testing

/// The CD-ROM from which a guest learns who it is, read by tools that know nothing of us: isoinfo and blkid the disc,
/// PyYAML, which cloud-init uses, the meta-data.
@Suite struct SeedImageTests {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFm6v5nYvWdhc0GxY3H8kQw8mJd0oX2o7Cqk1x9Yw3bR"

    private func image(
        _ hostName: String = "web-1.example.net", keys: [String] = [], userData: [UInt8]? = nil
    ) throws -> SeedImage {
        SeedImage(
            instance: "6f3c", hostName: try HostName(hostName), keys: try keys.flatMap(SSHPublicKey.keys),
            userData: userData)
    }

    /// What isoinfo takes out of the Joliet tree.
    private func file(_ name: String, _ disc: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/isoinfo")
        process.arguments = ["-J", "-i", disc, "-x", "/\(name);1"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Array(bytes)
    }

    private func kind(_ body: () throws -> Void) -> CloneError.Kind? {
        do { try body() } catch { return (error as? CloneError)?.kind }
        return nil
    }

    @Test(arguments: [1, 2047, 2048, 2049, 70_000, 1 << 20])
    func `other programs find the label and both files, byte for byte`(_ length: Int) throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/seed.iso"
        let data = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) }
        let image = try image(userData: data)
        try PosixFiles().replace(path, with: image.bytes)
        #expect(try ToolRun.check("blkid", "-p", "-o", "value", "-s", "LABEL", path) == "cidata\n")
        #expect(try ToolRun.check("blkid", "-p", "-o", "value", "-s", "TYPE", path) == "iso9660\n")
        #expect(try file("user-data", path) == data)
        #expect(try file("meta-data", path) == image.metaData)
        let short = try ToolRun.check("isoinfo", "-f", "-i", path)
        #expect(short.split(separator: "\n") == ["/META_DATA.;1", "/USER_DATA.;1"])
        let size = try #require(try PosixFiles().status(path)).size
        #expect(try ToolRun.check("isoinfo", "-d", "-i", path).contains("Volume size is: \(size / 2048)\n"))
    }

    @Test func `the same content gives the same bytes, and no others are read back`() throws {
        let image = try image(keys: [Self.key], userData: Array("#!/bin/sh\n".utf8))
        let bytes = image.bytes
        #expect(try bytes == self.image(keys: [Self.key], userData: Array("#!/bin/sh\n".utf8)).bytes)
        #expect(SeedImage(bytes) == image)
        for count in stride(from: 0, to: bytes.count, by: 509) { #expect(SeedImage(Array(bytes.prefix(count))) == nil) }
        #expect(SeedImage(bytes + [0]) == nil)
        // Whatever is not in the two files is ours to the bit.
        for index in 0..<(25 * 2048) {
            var other = bytes
            other[index] ^= 0x81
            #expect(SeedImage(other) == nil, "byte \(index)")
        }
        #expect(SeedImage(try self.image(userData: [1]).bytes) != image)
    }

    @Test func `a renewed image differs in its instance alone`() throws {
        let image = try image(keys: [Self.key], userData: Array("#cloud-config\n".utf8))
        let renewed = image.renewed(instance: "other-one")
        #expect(SeedImage(renewed.bytes) == renewed && renewed.userData == image.userData)
        #expect(renewed.renewed(instance: "6f3c") == image)
        let text = String(decoding: renewed.metaData, as: UTF8.self)
        #expect(
            text.hasPrefix("instance-id: \"other-one\"\nlocal-hostname: \"web-1.example.net\"\npublic-keys:\n- \"ssh"))
    }

    /// A comment may say anything; to cloud-init it must stay a comment.
    @Test(arguments: [
        "me@home", "a\"b", "\\", "\\\"\\n", "x: y", "# no", "- [a, {b: c}]", "&a *a !!python/object:os.system {}",
        "é ü 你好",
        "😀", "\u{fffd}\u{e000}", "a  b   c", "%YAML 1.1", "'", "\u{a0}\u{3000}", "--- ...", "${X} {{ x }} $(reboot)",
    ])
    func `cloud-init's parser reads every key and name as they are`(_ comment: String) throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/meta-data"
        let key = "\(Self.key) \(comment)"
        try PosixFiles().replace(path, with: try image(keys: [key, Self.key]).metaData)
        let program = """
            import json, sys, yaml
            print(json.dumps(yaml.safe_load(open(sys.argv[1], "rb"))))
            """
        let read = try JSONSerialization.jsonObject(
            with: Data(try ToolRun.check("python3", "-c", program, path).utf8))
        let wanted: NSDictionary = [
            "instance-id": "6f3c", "local-hostname": "web-1.example.net", "public-keys": [key, Self.key],
        ]
        #expect(wanted.isEqual(read), "\(read)")
    }

    @Test(arguments: ["web", "web-1", "a.b.c", "3com", "x1.example.net", "A", String(repeating: "a", count: 63)])
    func `a valid host name is taken`(_ text: String) throws {
        #expect(try HostName(text).text == text)
    }

    @Test(arguments: [
        "", ".", "web.", ".web", "a..b", "-a", "a-", "a_b", "a b", "a\nb", "é", "a\u{301}", "1", "10.0.0.1", "web.7",
        "a/b",
        "a: b", "\"", String(repeating: "a", count: 64),
        [String](repeating: "abcdefg", count: 32).joined(separator: "."),
    ])
    func `what RFC 1123 does not allow is refused as a host name`(_ text: String) {
        #expect(kind { _ = try HostName(text) } == .usage)
    }

    @Test func `numbers go to the first part of a host name`() throws {
        #expect(try HostName("web").numbered(7).text == "web-7")
        #expect(try HostName("web.example.net").numbered(12).text == "web-12.example.net")
        let long = try HostName(String(repeating: "a", count: 62))
        #expect(kind { _ = try long.numbered(1) } == .usage)
        #expect(try HostName(of: try CloneName("web-1")).text == "web-1")
        // A guest calls itself by the first part alone, which must not be the same for all.
        #expect(try HostName(of: try CloneName("web.lab-3"), number: 3).text == "web-3.lab")
        #expect(try HostName(of: try CloneName("web-3"), number: 3).text == "web-3")
        #expect(try HostName(of: try CloneName("web.lab-3")).text == "web.lab-3")
        for name in ["web_1", "db.1", "42", "web-"] {
            #expect(kind { _ = try HostName(of: try CloneName(name)) } == .usage, "\(name)")
        }
    }

    @Test func `keys are read as .pub files have them`() throws {
        let keys = try SSHPublicKey.keys(in: "# mine\n\n  \(Self.key)  me@home \r\n\(Self.key)\n")
        #expect(keys.map(\.text) == ["\(Self.key) me@home", Self.key])
    }

    @Test(arguments: [
        "", "#only\n", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-ed25519 !!!!",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "\(key)x", "command=\"sh\" \(key)", "\(key) a\u{1b}[2Jb", "\(key) a\tb\u{0}", "\(key) \u{202e}evil",
        "\(key)\nnonsense", key.replacing("ssh-ed25519", with: "ssh-rsa"), "ssh-ed25519\u{a0}\(key.dropFirst(12))",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
        "\(key) \(String(repeating: "x", count: 9000))",
    ])
    func `what is no public key is refused`(_ text: String) {
        do {
            _ = try SSHPublicKey.keys(in: text)
            Issue.record("it was taken")
        } catch {
            #expect(error.kind == .usage)
            #expect(error.description.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    @Test func `user data has limits`() throws {
        #expect(kind { _ = try GuestIdentity(userData: []) } == .usage)
        #expect(kind { _ = try GuestIdentity(userData: [UInt8](repeating: 1, count: 1 << 20 | 1)) } == .usage)
        #expect(kind { _ = try GuestIdentity(keys: [String](repeating: Self.key, count: 257)) } == .usage)
        #expect(try GuestIdentity(userData: [UInt8](repeating: 1, count: 1 << 20)).userData?.count == 1 << 20)
    }
}
