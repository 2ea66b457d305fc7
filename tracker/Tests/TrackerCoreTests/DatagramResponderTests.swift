// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerCore
import TrackerProtocol

@Suite struct DatagramResponderTests {
    /// A tracker spoken to by datagrams at times of the test's choosing.
    private struct Talk {
        var registry = SwarmRegistry()
        var random = SeededGenerator(1)
        var responder: DatagramResponder
        var now = Duration.zero
        var isBusy = false

        init() { responder = DatagramResponder(at: .zero, using: &random) }

        mutating func ask(_ bytes: [UInt8], from host: String) throws -> [UInt8] {
            let host = try #require(IPAddress(parsing: host))
            var answer = [UInt8](repeating: 0, count: DatagramResponse.maximumAnswerByteCount)
            responder.tick(at: now, using: &random)
            var span = answer.mutableSpan
            var room = span.mutableBytes
            let count = responder.answer(
                bytes.span.bytes, from: host, registry: &registry, rack: nil, isBusy: isBusy, now: now, using: &random,
                to: &room)
            return Array(answer.prefix(count))
        }

        mutating func connect(from host: String) throws -> UInt64 {
            let answer = try ask(DatagramRequest.connect(transaction: 7).encoded, from: host)
            guard case .connect(7, let id)? = DatagramResponse(answer, isIPv6: false) else { throw Odd() }
            return id
        }

        mutating func announce(
            _ id: UInt64, from host: String, port: UInt16, left: Int64 = 5, event: AnnounceEvent? = nil
        ) throws -> DatagramResponse? {
            let request = AnnounceRequest(
                infoHash: InfoHash(1, 2, 3), peerID: PeerID(UInt64(port), 2, UInt32(port)), port: port, left: left,
                event: event)
            let bytes = DatagramRequest.announce(request, connection: id, transaction: 9, key: 1).encoded
            return DatagramResponse(try ask(bytes, from: host), isIPv6: host.contains(":"))
        }
    }

    private struct Odd: Error {}

    private func names(_ response: DatagramResponse?) throws -> [String] {
        guard case .announce(9, let answer)? = response else { throw Odd() }
        return answer.peers.map(\.description).sorted()
    }

    /// The authors' test vector: key 00 01 … 0f, message 00 01 … 0e.
    @Test func `SipHash is SipHash`() {
        var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        hash.append(0x0706_0504_0302_0100)
        #expect(hash.finish(0x0f0e_0d0c_0b0a_0908 & 0x00ff_ffff_ffff_ffff | 15 << 56) == 0xa129_ca61_49be_45e5)
    }

    @Test func `who proves its address is told of peers of its family, with 18 bytes each over IPv6`() throws {
        var talk = Talk()
        let (one, two, six) = (
            try talk.connect(from: "10.0.0.1"), try talk.connect(from: "10.0.0.2"), try talk.connect(from: "fd00::1")
        )
        #expect(try names(talk.announce(one, from: "10.0.0.1", port: 1, left: 0, event: .started)) == [])
        #expect(try names(talk.announce(six, from: "fd00::1", port: 6)) == [])
        #expect(try names(talk.announce(two, from: "10.0.0.2", port: 2)) == ["10.0.0.1:1"])
        let seven = try talk.connect(from: "fd00::2")
        #expect(try names(talk.announce(seven, from: "fd00::2", port: 7)) == ["[fd00::1]:6"])
        let scrape = DatagramRequest.scrape(
            [InfoHash(1, 2, 3), InfoHash(9, 9, 9)], connection: two, transaction: 4
        ).encoded
        #expect(
            DatagramResponse(try talk.ask(scrape, from: "10.0.0.2"), isIPv6: false)
                == .scrape(
                    transaction: 4,
                    [
                        ScrapeResponse.Counts(complete: 1, downloaded: 0, incomplete: 3),
                        ScrapeResponse.Counts(complete: 0, downloaded: 0, incomplete: 0),
                    ]))
    }

    @Test func `an id works for its address alone, and for two to four minutes`() throws {
        var talk = Talk()
        let id = try talk.connect(from: "10.0.0.1")
        let expired = DatagramResponse.error(transaction: 9, "Connection id has expired.")
        #expect(try talk.announce(id, from: "10.0.0.2", port: 1) == expired)
        #expect(try talk.announce(id ^ 1, from: "10.0.0.1", port: 1) == expired)
        #expect(try talk.announce(0x417_2710_1980, from: "10.0.0.1", port: 1) == expired)
        #expect(talk.registry.peerCount == 0)
        talk.now = .seconds(119)
        let later = try talk.connect(from: "10.0.0.1")
        #expect(later == id)
        for second in [120, 239] {
            talk.now = .seconds(second)
            #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1)) == [])
        }
        talk.now = .seconds(240)
        #expect(try talk.announce(id, from: "10.0.0.1", port: 1) == expired)
        // After a silence the last key is too old as well.
        let fresh = try talk.connect(from: "10.0.0.1")
        talk.now = .seconds(900)
        #expect(try talk.announce(fresh, from: "10.0.0.1", port: 1) == expired)
    }

    @Test func `an id works for four minutes at most, also when keys change late`() throws {
        var talk = Talk()
        let id = try talk.connect(from: "10.0.0.1")
        // Nobody has asked for anything, so that the first key is changed when its second two minutes are nearly over.
        talk.now = .seconds(239)
        #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1)) == [])
        let later = try talk.connect(from: "10.0.0.1")
        talk.now = .seconds(240)
        #expect(
            try talk.announce(id, from: "10.0.0.1", port: 1) == .error(transaction: 9, "Connection id has expired."))
        talk.now = .seconds(359)
        #expect(try names(talk.announce(later, from: "10.0.0.1", port: 1)) == [])
    }

    @Test func `a number of bytes left that is negative makes no seed`() throws {
        var talk = Talk()
        let id = try talk.connect(from: "10.0.0.1")
        _ = try talk.announce(id, from: "10.0.0.1", port: 1, left: -1)
        guard case .announce(9, let answer)? = try talk.announce(id, from: "10.0.0.1", port: 1, left: .min) else {
            throw Odd()
        }
        #expect(answer.complete == 0 && answer.incomplete == 1)
    }

    @Test func `nothing without proof is answered with more than was sent`() throws {
        var talk = Talk()
        var random = SeededGenerator(2)
        for round in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0 ... .max, using: &random)
            }
            // Most have an action, and some the number that asks for an id.
            if round % 4 != 0, bytes.count >= 12 { bytes.replaceSubrange(8..<12, with: [0, 0, 0, UInt8(round % 3)]) }
            if round % 5 == 0, bytes.count >= 8 {
                bytes.replaceSubrange(0..<8, with: [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80])
            }
            #expect(try talk.ask(bytes, from: "10.0.0.1").count <= bytes.count)
        }
        #expect(talk.registry.peerCount == 0)
    }

    @Test func `odd requests under a good id are refused, and the longest answers fit`() throws {
        var talk = Talk()
        let id = try talk.connect(from: "fd00::1")
        let many = DatagramRequest.scrape(
            Array(repeating: InfoHash(1, 2, 3), count: 75), connection: id, transaction: 4)
        for odd in [many.encoded, Array(many.encoded.prefix(20)), many.encoded + Array(repeating: 0, count: 3000)] {
            guard case .error(4, _)? = DatagramResponse(try talk.ask(odd, from: "fd00::1"), isIPv6: true) else {
                throw Odd()
            }
        }
        let full = DatagramRequest.scrape(
            Array(repeating: InfoHash(1, 2, 3), count: 74), connection: id, transaction: 4)
        #expect(try talk.ask(full.encoded, from: "fd00::1").count == 8 + 74 * 12)
        for number in 1...300 {
            let host = "fd00::\(String(number, radix: 16))"
            _ = try talk.announce(talk.connect(from: host), from: host, port: UInt16(number))
        }
        let crowd = try talk.announce(id, from: "fd00::1", port: 1)
        #expect(try names(crowd).count == 50)
    }

    @Test func `a busy tracker is silent to regular announces only`() throws {
        var talk = Talk()
        let id = try talk.connect(from: "10.0.0.1")
        talk.isBusy = true
        // It was not known yet.
        #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1)) == [])
        #expect(try talk.announce(id, from: "10.0.0.1", port: 1) == nil)
        // Who gets no answer is not forgotten, and who is gone is not brought back.
        for second in stride(from: 15, through: 225, by: 15) {
            talk.now = .seconds(second)
            #expect(try talk.announce(id, from: "10.0.0.1", port: 1) == nil)
        }
        #expect(talk.registry.peerCount == 1)
        #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1, event: .stopped)) == [])
        #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1)) == [])
        for event in [AnnounceEvent.started, .completed, .stopped] {
            #expect(try names(talk.announce(id, from: "10.0.0.1", port: 1, event: event)) == [])
        }
    }
}
