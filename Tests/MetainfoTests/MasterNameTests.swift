// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing

struct MasterNameTests {
    @Test(arguments: ["debian@1", "a@9223372036854775807", "Win-11_x.64@42", "0@7"])
    func `a valid name is read and written as it was`(_ text: String) throws {
        let name = try #require(MasterName(text))
        #expect(name.description == text && name.fileName == text + ".raw")
    }

    @Test(arguments: [
        "", "@", "debian", "debian@", "@1", "debian@0", "debian@01", "debian@-1", "debian@+1", "debian@1@2",
        "debian@9223372036854775808", "debian@1 ", " debian@1", ".hidden@1", "-flag@1", "_x@1", "a/b@1", "../x@1",
        "deb\u{e9}@1", "a b@1", "a\u{0}b@1", "debian@\u{661}",
    ])
    func `an invalid name is refused`(_ text: String) {
        #expect(MasterName(text) == nil)
    }

    @Test func `a name may have 63 characters`() {
        #expect(MasterName(name: String(repeating: "a", count: 63), version: 1) != nil)
        #expect(MasterName(name: String(repeating: "a", count: 64), version: 1) == nil)
        #expect(MasterName(name: "a", version: 0) == nil)
    }

    @Test(arguments: [
        ("debian@3.raw", "debian@3"), ("debian.img", "debian@1"), ("Debian 12 (amd64).raw", "Debian-12--amd64-@1"),
        ("", "image@1"), ("///", "image@1"), ("../../etc/passwd", "passwd@1"), (".raw", "image@1"), ("...", "image@1"),
        ("..x", "x@1"), ("b\u{e4}r", "b--r@1"), ("x@0", "x-0@1"), ("x@1@2.raw", "x-1-2@1"), ("a\u{0}b", "a-b@1"),
    ])
    func `a stranger's name becomes a valid one`(_ text: String, _ expected: String) throws {
        let name = MasterName(sanitising: text)
        #expect(name.description == expected)
        #expect(MasterName(name.description) == name)
    }

    @Test func `versions are ordered as numbers`() throws {
        let names = try ["b@1", "a@10", "a@9"].map { try #require(MasterName($0)) }
        #expect(names.sorted().map(\.description) == ["a@9", "a@10", "b@1"])
    }
}
