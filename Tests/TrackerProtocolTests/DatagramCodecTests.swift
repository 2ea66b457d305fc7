// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol

/// What trackers read and write over UDP: everything is read as it was written, and damage never traps.
@Suite struct DatagramCodecTests {
    private func hash(_ random: inout SeededGenerator) throws -> InfoHash {
        InfoHash(random.next(), random.next(), UInt32.random(in: 0 ... .max, using: &random))
    }

    private func request(_ random: inout SeededGenerator) throws -> DatagramRequest {
        let transaction = UInt32.random(in: 0 ... .max, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return .connect(transaction: transaction)
        case 1:
            let events: [AnnounceEvent?] = [nil, .started, .completed, .stopped]
            let announce = AnnounceRequest(
                infoHash: try hash(&random), peerID: PeerID(random.next(), random.next(), 7),
                port: .random(in: 1...65535, using: &random), uploaded: .random(in: 0 ... .max, using: &random),
                downloaded: .random(in: 0 ... .max, using: &random), left: .random(in: 0 ... .max, using: &random),
                event: events.randomElement(using: &random) ?? nil,
                numberWanted: Bool.random(using: &random) ? nil : .random(in: 0...500, using: &random),
                rack: Bool.random(using: &random)
                    ? nil : RackName("row-4.rack_\(Int.random(in: 0..<99, using: &random))"))
            return .announce(announce, connection: random.next(), transaction: transaction, key: 9)
        default:
            let count = Int.random(in: 1...74, using: &random)
            return .scrape(try (0..<count).map { _ in try hash(&random) }, connection: 5, transaction: transaction)
        }
    }

    @Test func `requests are read as they were written, and cut or damaged ones never trap`() throws {
        var random = SeededGenerator(3)
        for _ in 0..<2000 {
            let request = try request(&random)
            var bytes = request.encoded
            #expect(DatagramRequest(bytes.span.bytes) == request)
            let cut = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            if let read = DatagramRequest(cut.span.bytes) {
                #expect(DatagramRequest(read.encoded.span.bytes) == read)
            }
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0 ... .max, using: &random)
            }
            if let read = DatagramRequest(bytes.span.bytes) {
                #expect(DatagramRequest(read.encoded.span.bytes) == read)
            }
        }
    }

    @Test func `answers are read as they were written, over either family, and fit into one packet`() throws {
        var random = SeededGenerator(4)
        for round in 0..<500 {
            let isIPv6 = round % 2 == 0
            let peers = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                PeerAddress(
                    host: isIPv6
                        ? IPAddress(ipv6: random.next(), random.next())
                        : IPAddress(ipv4: .random(in: 0 ... .max, using: &random)),
                    port: .random(in: 1...65535, using: &random))
            }
            let response = AnnounceResponse(interval: 17, complete: 3, incomplete: round, peers: peers)
            let bytes = DatagramResponse.announce(transaction: 8, response).encoded(isIPv6: isIPv6)
            #expect(bytes.count <= 1452)
            var expected = response
            expected.peers = Array(peers.prefix(DatagramResponse.peerCapacity(isIPv6: isIPv6)))
            #expect(DatagramResponse(bytes, isIPv6: isIPv6) == .announce(transaction: 8, expected))
            // Peers of the other family have no place in it.
            #expect(DatagramResponse.announce(transaction: 8, response).encoded(isIPv6: !isIPv6).count == 20)
            let counts = (0..<Int.random(in: 1...74, using: &random)).map {
                ScrapeResponse.Counts(complete: $0, downloaded: 2 * $0, incomplete: 3 * $0)
            }
            let scrape = DatagramResponse.scrape(transaction: 1, counts)
            #expect(DatagramResponse(scrape.encoded(isIPv6: isIPv6), isIPv6: isIPv6) == scrape)
        }
        for answer in [DatagramResponse.connect(transaction: 1, connection: .max), .error(transaction: 2, "Not here.")]
        {
            #expect(DatagramResponse(answer.encoded(isIPv6: true), isIPv6: true) == answer)
        }
        #expect(DatagramResponse.peerCapacity(isIPv6: false) >= 200)
    }

    @Test func `an answer without room is cut, and one without any is none`() {
        var bytes = [UInt8](repeating: 0, count: 25)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let peers = (1...9).map { PeerAddress(host: IPAddress(ipv4: 1), port: $0) }
        let answer = DatagramResponse.announce(transaction: 1, AnnounceResponse(interval: 1, peers: peers))
        #expect(answer.write(to: &room, isIPv6: false) == 20)
        var none = [UInt8](repeating: 0, count: 19)
        var noSpan = none.mutableSpan
        var noRoom = noSpan.mutableBytes
        #expect(answer.write(to: &noRoom, isIPv6: false) == 0)
    }

    @Test func `a rack stands in the options, whatever stands beside it`() throws {
        let announce = AnnounceRequest(
            infoHash: InfoHash(1, 2, 3), peerID: PeerID(1, 2, 3), port: 5, left: 6, rack: RackName("r7"))
        let message = DatagramRequest.announce(announce, connection: 1, transaction: 2, key: 3)
        let head = Array(message.encoded.prefix(98))
        func rack(_ options: [UInt8]) throws -> String? {
            let bytes = head + options
            guard case .announce(let read, _, _, _)? = DatagramRequest(bytes.span.bytes) else {
                throw MetainfoError.badPieces
            }
            return read.rack?.text
        }
        let url = Array("/a?x=1&rack=r9&y".utf8)
        #expect(try rack([2, UInt8(url.count)] + url) == "r9")
        // An option may be in two parts (BEP 41), with nothing between.
        #expect(
            try rack([2, 10] + url[..<10] + [1, 1, 2, UInt8(url.count - 10)] + url[10...] + [0, 2, 1, 65]) == "r9")
        for odd: [UInt8] in [
            [], [2], [2, 9, 65], [0], [9, 9, 9], [1, 1, 1], [2, 0], [2, 8] + Array("?rack=%2".utf8),
            [2, 6] + Array("?rack=".utf8),
        ] {
            #expect(try rack(odd) == nil)
        }
    }

    @Test func `a rack's name is short and plain`() {
        for good in ["a", "row-4.rack_17", String(repeating: "z", count: 32)] { #expect(RackName(good)?.text == good) }
        for bad in ["", "a b", "ä", "a/b", "a\n", String(repeating: "z", count: 33)] { #expect(RackName(bad) == nil) }
    }
}
