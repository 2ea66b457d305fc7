// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol

/// Announces over UDP: bytes as BEP 15 has them, and one announce under virtual time.
@Suite struct DatagramAnnounceTests {
    let request: AnnounceRequest

    init() throws {
        request = AnnounceRequest(
            infoHash: try #require(InfoHash(Array(repeating: 0xaa, count: 20))),
            peerID: try #require(PeerID(Array(repeating: 0xbb, count: 20))), port: 0x1ae1, uploaded: 1, downloaded: 2,
            left: 3, event: .started, numberWanted: 50)
    }

    private func number(_ bytes: [UInt8], _ offset: Int, _ count: Int = 4) -> UInt64 {
        bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func bytes(_ words: UInt32...) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - $0 * 8)) } }
    }

    @Test func `an announce has every field at its place`() {
        let bytes = DatagramRequest.announce(
            request, connection: 0x0102_0304_0506_0708, transaction: 0xdead_beef, key: 0xcafe
        ).encoded
        #expect(bytes.count == 98)
        #expect(number(bytes, 0, 8) == 0x0102_0304_0506_0708 && number(bytes, 8) == 1)
        #expect(number(bytes, 12) == 0xdead_beef)
        #expect(bytes[16..<36].allSatisfy { $0 == 0xaa } && bytes[36..<56].allSatisfy { $0 == 0xbb })
        #expect(number(bytes, 56, 8) == 2 && number(bytes, 64, 8) == 3 && number(bytes, 72, 8) == 1)
        #expect(number(bytes, 80) == 2 && number(bytes, 84) == 0 && number(bytes, 88) == 0xcafe)
        #expect(number(bytes, 92) == 50 && number(bytes, 96, 2) == 0x1ae1)
    }

    @Test func `the path and query of the tracker's URL go with it, in options`() throws {
        func options(_ url: String, rack: String? = nil) throws -> [UInt8] {
            var request = request
            request.rack = rack.flatMap { RackName($0) }
            let target = try #require(TrackerURL(url)).target
            var announce = DatagramAnnounce(request, key: 1, isIPv6: false, target: target)
            var random = SeededGenerator(1)
            guard case .send(let connect)? = announce.start(at: .zero, using: &random).first else { return [] }
            let answer = [0, 0, 0, 0] + connect[12..<16] + [1, 2, 3, 4, 5, 6, 7, 8]
            let effects = announce.received(Array(answer), at: .zero, using: &random)
            guard case .send(let bytes)? = effects.first else { return [] }
            if case .announce(let read, _, _, _)? = DatagramRequest(bytes.span.bytes) { #expect(read == request) }
            return Array(bytes.dropFirst(98))
        }
        #expect(try options("udp://t:1") == [] && options("udp://t:1/announce") == [])
        #expect(try options("udp://t:1/a/announce?key=x") == [2, 17] + Array("/a/announce?key=x".utf8))
        #expect(try options("udp://t:1/?key=x", rack: "r1") == [2, 23] + Array("/announce?key=x&rack=r1".utf8))
        #expect(try options("udp://t:1/announce", rack: "r1") == [2, 17] + Array("/announce?rack=r1".utf8))
        let long = try options("udp://t:1/announce?" + String(repeating: "k", count: 400), rack: "r1")
        #expect(long.count == 418 + 4 && long.prefix(2) == [2, 255] && long.dropFirst(257).prefix(2) == [2, 163])
    }

    @Test(
        arguments: [(nil, 0), (.completed, 1), (.started, 2), (.stopped, 3), (.paused, 0)] as [(AnnounceEvent?, UInt64)]
    )
    func `events have their numbers`(_ event: AnnounceEvent?, _ expected: UInt64) {
        var request = request
        request.event = event
        request.numberWanted = nil
        let bytes = DatagramRequest.announce(request, connection: 0, transaction: 0, key: 0).encoded
        #expect(number(bytes, 80) == expected && number(bytes, 92) == 0xffff_ffff)
    }

    @Test func `peers are as long as the socket's family says`() throws {
        let head = bytes(1, 7, 1800, 4, 9)
        let ipv4 = head + [10, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 2, 0, 0, 1]
        guard case .announce(7, let response) = DatagramResponse(ipv4, isIPv6: false) else {
            throw MetainfoError.badPieces
        }
        #expect(response.interval == 1800 && response.incomplete == 4 && response.complete == 9)
        // The second has no port, and the last byte is a rest.
        #expect(response.peers.map { "\($0)" } == ["10.0.0.1:6881"])
        let ipv6 = head + [0xfd] + Array(repeating: 0, count: 14) + [1, 0x1a, 0xe1]
        guard case .announce(7, let other) = DatagramResponse(ipv6, isIPv6: true) else {
            throw MetainfoError.badPieces
        }
        #expect(other.peers.map { "\($0)" } == ["[fd00::1]:6881"])
        #expect(DatagramResponse(bytes(1, 7, .max, 0, 0), isIPv6: false) != nil)
    }

    @Test func `what is too short, too long or of no kind is no answer`() {
        for wrong in [
            [], bytes(0), bytes(0, 1), bytes(0, 1, 2), bytes(1, 1, 1, 1), bytes(4, 1, 1, 1, 1), bytes(.max, 1),
            Array(repeating: 0, count: DatagramResponse.maximumByteCount + 1),
        ] { #expect(DatagramResponse(wrong, isIPv6: false) == nil) }
        #expect(DatagramResponse(bytes(3, 5) + Array("no\n!".utf8), isIPv6: false) == .error(transaction: 5, "no!"))
    }

    // MARK: The exchange

    private func sent(_ effects: [DatagramAnnounce.Effect]) throws -> [UInt8] {
        guard case .send(let bytes)? = effects.first, effects.count == 1 else { throw MetainfoError.badPieces }
        return bytes
    }

    @Test func `a connection id is asked for, then announced under, then the answer counts`() throws {
        var random = SeededGenerator(5)
        var announce = DatagramAnnounce(request, key: 1, isIPv6: false)
        let connect = try sent(announce.start(at: .zero, using: &random))
        #expect(connect.count == 16 && number(connect, 0, 8) == 0x417_2710_1980)
        let first = UInt32(number(connect, 12))
        // Answers to something else, and nonsense, are passed over.
        for wrong in [bytes(0, first &+ 1, 8, 8), bytes(1, first, 60, 0, 0), [1, 2, 3], bytes(3, first &+ 1)] {
            #expect(announce.received(wrong, at: .zero, using: &random) == [])
        }
        let message = try sent(announce.received(bytes(0, first, 8, 9), at: .zero, using: &random))
        #expect(number(message, 0, 8) == 8 << 32 | 9)
        let second = UInt32(number(message, 12))
        #expect(second != first)
        #expect(announce.received(bytes(0, first, 8, 9), at: .zero, using: &random) == [])
        #expect(
            announce.received(bytes(1, second, 60, 2, 3), at: .zero, using: &random)
                == [.answered(AnnounceResponse(interval: 60, complete: 3, incomplete: 2))])
        #expect(announce.received(bytes(1, second, 60, 2, 3), at: .zero, using: &random) == [])
        #expect(announce.tick(at: .seconds(999), using: &random) == [])
    }

    @Test func `what is lost is sent again after 15 and 30 seconds, and then the tracker is silent`() throws {
        var random = SeededGenerator(5)
        var announce = DatagramAnnounce(request, key: 1, isIPv6: false)
        _ = announce.start(at: .zero, using: &random)
        #expect(announce.tick(at: .milliseconds(14_999), using: &random) == [])
        let again = try sent(announce.tick(at: .seconds(15), using: &random))
        #expect(announce.deadline == .seconds(45))
        let transaction = UInt32(number(again, 12))
        let message = try sent(announce.received(bytes(0, transaction, 1, 1), at: .seconds(16), using: &random))
        #expect(announce.deadline == .seconds(46))
        // The same announce once more, under the same id, which is still good.
        #expect(try sent(announce.tick(at: .seconds(46), using: &random)) == message)
        #expect(announce.tick(at: .seconds(105), using: &random) == [])
        #expect(announce.tick(at: .seconds(106), using: &random) == [.failed("no answer in time")])
        #expect(announce.tick(at: .seconds(200), using: &random) == [])
    }

    @Test func `a connection id that is a minute old is asked for anew`() throws {
        var random = SeededGenerator(5)
        var announce = DatagramAnnounce(request, key: 1, isIPv6: false)
        let connect = try sent(announce.start(at: .zero, using: &random))
        let transaction = UInt32(number(connect, 12))
        _ = announce.received(bytes(0, transaction, 1, 1), at: .zero, using: &random)
        let again = try sent(announce.tick(at: .seconds(60), using: &random))
        #expect(again.count == 16 && number(again, 0, 8) == 0x417_2710_1980)
    }

    @Test func `a refusal ends it`() throws {
        var random = SeededGenerator(5)
        var announce = DatagramAnnounce(request, key: 1, isIPv6: false)
        let connect = try sent(announce.start(at: .zero, using: &random))
        let refusal = bytes(3, UInt32(number(connect, 12))) + Array("not here".utf8)
        #expect(announce.received(refusal, at: .zero, using: &random) == [.failed("it refused: not here")])
    }
}
