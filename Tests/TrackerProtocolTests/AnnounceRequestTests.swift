// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol

@Suite struct AnnounceRequestTests {
    private static let hash = "info_hash=%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A"
    private static let rest = "peer_id=-TR4000-abcdefghijkl&port=6881&left=5"

    private func error(_ query: String) -> AnnounceRequestError? {
        do throws(AnnounceRequestError) {
            _ = try AnnounceRequest(query: query)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a foreign client's query is read`() throws {
        let request = try AnnounceRequest(
            query: Self.hash + "&peer_id=-TR4000-abcdefghijkl&port=51413&uploaded=1&downloaded=2&left=3&numwant=80"
                + "&key=4F7A8B2C&compact=1&supportcrypto=1&event=started&ipv6=%3A%3A1&ip=9.9.9.9&corrupt=0")
        // The example of BEP 3's escaping that every client's documentation repeats.
        #expect(request.infoHash.description == "123456789abcdef123456789abcdef123456789a")
        #expect(request.peerID.description == "-TR4000-abcdefghijkl")
        #expect(request.port == 51413 && request.uploaded == 1 && request.downloaded == 2 && request.left == 3)
        #expect(request.numberWanted == 80 && request.event == .started && request.compact && !request.noPeerID)
        #expect(request.key == Array("4F7A8B2C".utf8))
    }

    @Test func `random requests survive the query`() throws {
        var random = SeededGenerator(11)
        for round in 0..<500 {
            let request = AnnounceRequest(
                infoHash: try #require(InfoHash(random.bytes(20))), peerID: try #require(PeerID(random.bytes(20))),
                port: .random(in: 1 ... .max, using: &random), uploaded: .random(in: 0 ... .max, using: &random),
                downloaded: .random(in: 0 ... .max, using: &random), left: .random(in: 0 ... .max, using: &random),
                event: ([nil] + AnnounceEvent.allCases.map(Optional.some))[round % 5],
                numberWanted: round % 3 == 0 ? nil : .random(in: 0...500, using: &random),
                key: round % 2 == 0 ? nil : random.bytes(8), noPeerID: round % 4 == 0, compact: round % 7 != 0)
            #expect(try AnnounceRequest(query: request.queryString) == request)
        }
    }

    @Test func `repeated, unknown and empty parameters are passed over`() throws {
        let request = try AnnounceRequest(
            query: "&&x&=&y=%zz&" + Self.hash + "&" + Self.rest
                + "&left=0&port=1&info_hash=short&event=bogus&numwant=-1")
        #expect(request.left == 5 && request.port == 6881 && request.event == nil && request.numberWanted == nil)
        #expect(request.compact && request.key == nil)
    }

    @Test func `a plus sign is a plus sign`() throws {
        let request = try AnnounceRequest(query: "info_hash=++++++++++++++++++++&" + Self.rest)
        #expect(request.infoHash.bytes == [UInt8](repeating: 0x2b, count: 20))
    }

    @Test func `each wrong field has its own error`() {
        let hash = Self.hash
        #expect(error("") == .missing(parameter: "info_hash"))
        #expect(error("info_hash=abc&" + Self.rest) == .wrongLength(parameter: "info_hash", byteCount: 3))
        #expect(error(hash) == .missing(parameter: "peer_id"))
        #expect(error(hash + "&peer_id=x") == .wrongLength(parameter: "peer_id", byteCount: 1))
        let id = hash + "&peer_id=-TR4000-abcdefghijkl"
        #expect(error(id + "&left=1") == .missing(parameter: "port"))
        #expect(error(id + "&left=1&port=0") == .portZero)
        #expect(error(id + "&left=1&port=65536") == .notANumber(parameter: "port"))
        #expect(error(id + "&port=1") == .missing(parameter: "left"))
        #expect(error(id + "&port=1&left=-1") == .notANumber(parameter: "left"))
        #expect(error(id + "&port=1&left=") == .notANumber(parameter: "left"))
        #expect(error(id + "&port=1&left=9223372036854775808") == .notANumber(parameter: "left"))
        #expect(error(id + "&port=1&left=1&uploaded=x") == .notANumber(parameter: "uploaded"))
        #expect(error(id + "&port=1&left=1&downloaded=0x1") == .notANumber(parameter: "downloaded"))
        for escape in ["%", "%1", "%1g", "%%%"] {
            #expect(error("info_hash=" + escape) == .query(.badEscape(parameter: "info_hash")))
        }
    }

    @Test func `a query is read up to 8 KiB and not beyond`() throws {
        let query = Self.hash + "&" + Self.rest + "&x="
        let longest = query + String(repeating: "a", count: 8192 - query.utf8.count)
        #expect(error(longest) == nil)
        #expect(error(longest + "a") == .query(.tooLong))
    }

    @Test func `random damage never does worse than an error`() throws {
        var random = SeededGenerator(5)
        let valid = Array((Self.hash + "&" + Self.rest + "&event=started&key=1&numwant=3").utf8)
        for _ in 0..<5000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = .random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(Array("%&=+".utf8)[Int.random(in: 0..<4, using: &random)], at: index)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let request = try? AnnounceRequest(query: text) {
                #expect(try AnnounceRequest(query: request.queryString) == request)
            }
        }
    }
}
