// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Metainfo
import Testing

import Trust

@Suite struct SignedEnvelopeTests {
    /// RFC 8032 §7.1, test 1: the key of this seed.
    private static let seed: [UInt8] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ]

    @Test func `a key is the one that RFC 8032 says`() throws {
        let key = try #require(SigningKey(seed: Self.seed))
        #expect(
            key.publicKey?.bytes.hexadecimal == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    }

    @Test func `a secret key survives its file, and OpenSSL's files are read`() throws {
        let key = try #require(SigningKey(seed: Self.seed))
        #expect(SigningKey(pem: key.pem)?.publicKey == key.publicKey)
        // The same seed in the file that `openssl pkey` writes.
        let text = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
            -----END PRIVATE KEY-----
            """
        #expect(SigningKey(pem: text)?.publicKey == key.publicKey)
        #expect(SigningKey(pem: "no key") == nil)
    }

    @Test func `a public key survives its text`() throws {
        let key = try #require(SigningKey(seed: Self.seed)?.publicKey)
        #expect(PublisherKey(key.description) == key)
        for text in ["", "ed25519:", "ed25519:AAAA", "rsa:\(key.description)", key.description + "A"] {
            #expect(PublisherKey(text) == nil, "\(text)")
        }
    }

    @Test func `an envelope survives its file`() throws {
        let publishers = try Publishers(2)
        let envelope = try publishers.sign(Publishers.statement(3), 2)
        let again = try SignedEnvelope(json: envelope.json)
        #expect(again == envelope)
        let statement = try again.statement(MasterStatement.self, signedBy: publishers.root(2))
        #expect(statement == (try Publishers.statement(3)))
    }

    @Test func `what says more than can be shown is not shown as all there is`() throws {
        let envelope = try SignedEnvelope(Publishers.statement(3))
        #expect(try envelope.legible(MasterStatement.self).contains("\"version\":3"))
        var longer = envelope
        longer.payload = Data(
            String(decoding: envelope.payload, as: UTF8.self).replacing("{", with: "{\r\"x\":1,").utf8)
        #expect(try longer.unchecked(MasterStatement.self).version == 3)
        #expect(throws: TrustRefusal.self) { try longer.legible(MasterStatement.self) }
    }

    @Test func `signing again replaces the signature`() throws {
        let publishers = try Publishers(1)
        var envelope = try publishers.sign(Publishers.statement(3), 1)
        try envelope.sign(with: publishers.keys[0])
        #expect(envelope.signatures.count == 1)
    }

    @Test func `what is no envelope is refused`() throws {
        for text in ["", "{}", "[]", #"{"payloadType":"x","payload":"!","signatures":[]}"#] {
            #expect(throws: TrustRefusal.self) { try SignedEnvelope(json: Array(text.utf8)) }
        }
        #expect(throws: TrustRefusal.self) {
            try SignedEnvelope(json: [UInt8](repeating: 0x20, count: SignedEnvelope.byteLimit + 1))
        }
    }

    @Test(arguments: [
        #"{"name":"../x","version":1,"infoHashV2":"H","size":1,"created":0,"expires":1}"#,
        #"{"name":"x","version":0,"infoHashV2":"H","size":1,"created":0,"expires":1}"#,
        #"{"name":"x","version":1,"infoHashV2":"zz","size":1,"created":0,"expires":1}"#,
        #"{"name":"x","version":1,"infoHashV2":"H","size":0,"created":0,"expires":1}"#,
        #"{"name":"x","version":1,"infoHashV2":"H","size":1,"created":5,"expires":5}"#,
        #"{"name":"x","version":3,"infoHashV2":"H","size":1,"created":0,"expires":1,"follows":3}"#,
        #"{"name":"x","version":1e99,"infoHashV2":"H","size":1,"created":0,"expires":1}"#,
    ])
    func `a statement that contradicts itself is refused although it is signed`(_ json: String) throws {
        let publishers = try Publishers(1)
        var envelope = try SignedEnvelope(Publishers.statement(1))
        let hash = String(repeating: "a", count: 64)
        envelope.payload = Data(json.replacing("\"H\"", with: "\"\(hash)\"").utf8)
        try envelope.sign(with: publishers.keys[0])
        let root = try publishers.root(1)
        #expect(throws: TrustRefusal.self) { try envelope.statement(MasterStatement.self, signedBy: root) }
    }
}
