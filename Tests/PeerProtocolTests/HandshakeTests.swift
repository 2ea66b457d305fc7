// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Testing
import TrackerProtocol

struct HandshakeTests {
    private let infoHash: InfoHash
    private let peerID: PeerID

    init() throws {
        infoHash = try #require(InfoHash([UInt8](0x10..<0x24)))
        peerID = try #require(PeerID(Array("-Dv0100-abcdefghijkl".utf8)))
    }

    private func bytes(_ reserved: [UInt8]) -> [UInt8] {
        [19] + Array("BitTorrent protocol".utf8) + reserved + infoHash.bytes + peerID.bytes
    }

    @Test func `each feature has its bit`() throws {
        for (fast, extensions, offers, reserved) in [
            (false, false, false, [UInt8](repeating: 0, count: 8)), (true, false, false, [0, 0, 0, 0, 0, 0, 0, 4]),
            (false, true, false, [0, 0, 0, 0, 0, 0x10, 0, 0]), (true, true, true, [0, 0, 0, 0, 0, 0x10, 0, 0x14]),
        ] {
            let handshake = Handshake(
                infoHash: infoHash, peerID: peerID, supportsFast: fast, supportsExtensions: extensions, offersV2: offers
            )
            var buffer = ByteBuffer()
            handshake.encode(into: &buffer)
            #expect(Array(buffer.readableBytesView) == bytes(reserved))
            #expect(try Handshake.decode(from: &buffer) == handshake)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test func `bits nobody here knows are ignored`() throws {
        var buffer = ByteBuffer(bytes: bytes([UInt8](repeating: 0xff, count: 8)))
        let handshake = try #require(try Handshake.decode(from: &buffer))
        #expect(handshake.supportsFast && handshake.supportsExtensions && handshake.offersV2)
        #expect(handshake.infoHash == infoHash && handshake.peerID == peerID)
    }

    @Test func `a part is waited for, and what follows is left`() throws {
        let whole = bytes([UInt8](repeating: 0, count: 8))
        for count in 0..<whole.count {
            var buffer = ByteBuffer(bytes: whole.prefix(count))
            #expect(try Handshake.decode(from: &buffer) == nil)
            #expect(buffer.readableBytes == count)
        }
        var buffer = ByteBuffer(bytes: whole + [0, 0, 0, 0])
        #expect(try Handshake.decode(from: &buffer) != nil)
        #expect(buffer.readableBytes == 4)
    }

    @Test func `the first byte that cannot be one is refused at once`() {
        let whole = bytes([UInt8](repeating: 0, count: 8))
        for index in 0..<20 {
            var wrong = Array(whole.prefix(index + 1))
            wrong[index] ^= 0x20
            var buffer = ByteBuffer(bytes: wrong)
            #expect(throws: ProtocolViolation.notBitTorrent) { try Handshake.decode(from: &buffer) }
        }
    }
}

struct ExtendedHandshakeTests {
    @Test func `it is written and read as prescribed`() throws {
        var handshake = ExtendedHandshake()
        handshake.extensions = ["ut_pex": 2, "ut_metadata": 1]
        handshake.listenPort = 6881
        handshake.client = "Drover 0.1"
        handshake.requestQueue = 250
        handshake.isUploadOnly = true
        let text = "d1:md11:ut_metadatai1e6:ut_pexi2ee1:pi6881e4:reqqi250e11:upload_onlyi1e1:v10:Drover 0.1e"
        #expect(handshake.encoded == Array(text.utf8))
        #expect(try ExtendedHandshake(handshake.encoded) == handshake)
        #expect(ExtendedHandshake().encoded == Array("d1:mdee".utf8))
        #expect(try ExtendedHandshake(Array("de".utf8)) == ExtendedHandshake())
    }

    @Test func `what has an unexpected type or range is absent`() throws {
        let text = "d1:md1:ai256e1:bi-1e1:cl1:xe1:di7ee1:pi65536e4:reqqde11:upload_onlyi2ee"
        let handshake = try ExtendedHandshake(Array(text.utf8))
        #expect(handshake.extensions == ["d": 7])
        #expect(handshake.listenPort == nil && handshake.requestQueue == nil && !handshake.isUploadOnly)
        #expect(handshake.longestRequest == nil)
        let negative = try ExtendedHandshake(Array("d1:mi1e1:pi-1e4:reqqi-9223372036854775808e1:vi1ee".utf8))
        #expect(negative.extensions.isEmpty && negative.listenPort == nil && negative.client == nil)
    }

    @Test func `Drover's peers say how much they answer one request with`() throws {
        var handshake = ExtendedHandshake()
        handshake.longestRequest = 262_144
        #expect(handshake.encoded == Array("d14:drover_requesti262144e1:mdee".utf8))
        #expect(try ExtendedHandshake(handshake.encoded) == handshake)
    }

    @Test func `a long client name is cut and one that is not UTF-8 is dropped`() throws {
        let long = Array("d1:v100:".utf8) + [UInt8](repeating: 0x41, count: 100) + Array("e".utf8)
        #expect(try ExtendedHandshake(long).client?.count == 64)
        let invalid = Array("d1:v2:".utf8) + [0xff, 0xfe] + Array("e".utf8)
        #expect(try ExtendedHandshake(invalid).client == nil)
    }

    @Test(arguments: ["", "le", "i1e", "d", "d1:pi1e", "dee", "d1:pi1e1:mdee", "d1:mi01ee", "4:spam"])
    func `what is no bencoded dictionary is refused`(_ text: String) {
        #expect(throws: ProtocolViolation.badExtendedHandshake) { try ExtendedHandshake(Array(text.utf8)) }
    }

    @Test func `its depth and number of values are bounded`() {
        let deep = Array("d1:a".utf8) + [UInt8](repeating: 0x6c, count: 20) + [UInt8](repeating: 0x65, count: 21)
        #expect(throws: ProtocolViolation.badExtendedHandshake) { try ExtendedHandshake(deep) }
        let many = Array("d1:al".utf8) + (0..<2000).flatMap { _ in Array("0:".utf8) } + Array("ee".utf8)
        #expect(throws: ProtocolViolation.badExtendedHandshake) { try ExtendedHandshake(many) }
    }
}
