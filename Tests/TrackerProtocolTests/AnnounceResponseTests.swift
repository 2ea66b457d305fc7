// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol

@Suite struct AnnounceResponseTests {
    private func peer(_ text: String) throws -> PeerAddress { try #require(PeerAddress(parsing: text)) }

    private func decode(_ text: String) throws -> AnnounceResponse { try AnnounceResponse.decode(Array(text.utf8)) }

    private func error(_ bytes: [UInt8]) -> TrackerResponseError? {
        do throws(TrackerResponseError) {
            _ = try AnnounceResponse.decode(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `an empty answer still has peers`() {
        let bytes = AnnounceResponse(interval: 20, complete: 1, incomplete: 0).encoded()
        #expect(bytes == Array("d8:completei1e10:incompletei0e8:intervali20e5:peers0:e".utf8))
    }

    @Test func `IPv4 peers stand in peers and IPv6 peers in peers6`() throws {
        let response = AnnounceResponse(
            interval: 20,
            peers: [try peer("65.66.67.68:17734"), try peer("[4142:4344:4546:4748:494a:4b4c:4d4e:4f50]:20818")])
        #expect(response.encoded() == Array("d8:intervali20e5:peers6:ABCDEF6:peers618:ABCDEFGHIJKLMNOPQRe".utf8))
        #expect(try AnnounceResponse.decode(response.encoded()) == response)
    }

    @Test func `the dictionary form is written and read`() throws {
        let response = AnnounceResponse(interval: 20, peers: [try peer("1.2.3.4:5"), try peer("[::1]:6")])
        let bytes = response.encoded(compact: false)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "d8:intervali20e5:peersld2:ip7:1.2.3.44:porti5eed2:ip3:::14:porti6eeee")
        #expect(try AnnounceResponse.decode(bytes) == response)
    }

    @Test func `peers that cannot be dialled are passed over`() throws {
        let response = try decode(
            "d5:peersl" + "d2:ip9:localhost4:porti5ee" + "d2:ip7:1.2.3.47:peer id3:abc4:porti5ee"
                + "d2:ip7:1.2.3.44:porti65536ee" + "d2:ip7:1.2.3.44:porti0ee" + "d4:porti1ee" + "i5e" + "ee")
        #expect(response.peers == [try peer("1.2.3.4:5")])
        #expect(response.interval == 1800)
        let compact = "d5:peers6:ABCD\0\0" + "6:peers618:" + String(repeating: "\0", count: 18) + "e"
        #expect(try decode(compact).peers.isEmpty)
    }

    @Test func `a mapped address is the IPv4 address it stands for`() throws {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 1, 2, 3, 4, 0, 5]
        let bytes = Array("d5:peers0:6:peers618:".utf8) + mapped + Array("e".utf8)
        #expect(try AnnounceResponse.decode(bytes).peers == [try peer("1.2.3.4:5")])
    }

    @Test func `a refusal keeps its reason and when to try again`() throws {
        for retry in [AnnounceRetry.minutes(5), .never, nil] {
            let refusal = AnnounceResponse.failure("no such torrent", retryIn: retry)
            #expect(try AnnounceResponse.decode(refusal.encoded()) == refusal)
        }
        #expect(try decode("d14:failure reason1:x8:retry in1:7e").retryIn == .minutes(7))
        #expect(try decode("d14:failure reason1:x8:retry ini-7ee").retryIn == nil)
    }

    @Test func `numbers out of range are clamped`() throws {
        let response = try decode(
            "d8:completei-1e10:incompletei7e8:intervali-5e12:min intervali9223372036854775807e"
                + "5:peers0:15:warning message2:hie")
        #expect(response.interval == 0 && response.minInterval == 604_800)
        #expect(response.complete == 0 && response.incomplete == 7 && response.warning == "hi")
    }

    @Test func `malformed answers are refused by kind`() {
        #expect(error(Array("<html>".utf8)) == .notBencoded(.unexpectedByte(at: 0)))
        #expect(error(Array("i5e".utf8)) == .unexpectedShape)
        #expect(error(Array("d5:peersi5ee".utf8)) == .unexpectedShape)
        #expect(error(Array("d5:peers5:ABCDEe".utf8)) == .raggedPeers)
        #expect(error(Array("d6:peers67:ABCDEFGe".utf8)) == .raggedPeers)
        #expect(error(Array(repeating: UInt8(ascii: "l"), count: 100_000)) == .notBencoded(.tooDeep))
        #expect(error([UInt8](repeating: 0, count: (1 << 20) + 1)) == .notBencoded(.tooLong))
    }

    @Test func `two thousand peers are read and no more`() throws {
        func answer(_ count: Int) -> [UInt8] {
            Array("d5:peers\(count * 6):".utf8) + [UInt8](repeating: 1, count: count * 6) + Array("e".utf8)
        }
        #expect(try AnnounceResponse.decode(answer(2000)).peers.count == 2000)
        #expect(error(answer(2001)) == .tooManyPeers)
        let dictionaries = Array("d5:peersl".utf8) + Array(String(repeating: "de", count: 2001).utf8) + Array("ee".utf8)
        #expect(error(dictionaries) == .tooManyPeers)
    }

    @Test func `random damage never does worse than an error`() throws {
        var random = SeededGenerator(23)
        let peers = (0..<20).compactMap { _ in PeerAddress(compact: random.bytes(6)) }
        let valid = AnnounceResponse(
            interval: 9, minInterval: 3, complete: 1, incomplete: 2, peers: peers, warning: "w")
        for compact in [true, false] {
            let original = valid.encoded(compact: compact)
            for _ in 0..<3000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
                }
                bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count * 2, using: &random)))
                _ = try? AnnounceResponse.decode(bytes)
            }
        }
    }
}
