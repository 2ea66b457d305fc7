// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol

@Suite struct ScrapeTests {
    private func hash(_ byte: UInt8) throws -> InfoHash { try #require(InfoHash([UInt8](repeating: byte, count: 20))) }

    @Test func `a scrape of several swarms survives the query`() throws {
        let request = ScrapeRequest(infoHashes: [try hash(0x41), try hash(0xff), try hash(0)])
        #expect(try ScrapeRequest(query: request.queryString) == request)
        #expect(try ScrapeRequest(query: "x=1&" + request.queryString + "&y") == request)
    }

    @Test func `a scrape that names nothing, something short or too much is refused`() throws {
        func error(_ query: String) -> ScrapeRequestError? {
            do throws(ScrapeRequestError) {
                _ = try ScrapeRequest(query: query)
                return nil
            } catch {
                return error
            }
        }
        #expect(error("") == .missingInfoHash)
        #expect(error("info_hash=abc") == .wrongLength(byteCount: 3))
        #expect(error("info_hash=%") == .query(.badEscape(parameter: "info_hash")))
        let one = "info_hash=AAAAAAAAAAAAAAAAAAAA&"
        #expect(error(String(repeating: one, count: 64)) == nil)
        #expect(error(String(repeating: one, count: 65)) == .tooMany)
    }

    @Test func `counts are written in canonical order and read back`() throws {
        let response = ScrapeResponse(files: [
            try hash(0x42): ScrapeResponse.Counts(complete: 1, downloaded: 2, incomplete: 3),
            try hash(0x41): ScrapeResponse.Counts(complete: 4, downloaded: 5, incomplete: 6),
        ])
        #expect(
            String(decoding: response.encoded, as: UTF8.self)
                == "d5:filesd20:AAAAAAAAAAAAAAAAAAAAd8:completei4e10:downloadedi5e10:incompletei6ee"
                + "20:BBBBBBBBBBBBBBBBBBBBd8:completei1e10:downloadedi2e10:incompletei3eeee")
        #expect(try ScrapeResponse.decode(response.encoded) == response)
        let refusal = ScrapeResponse(failureReason: "no")
        #expect(try ScrapeResponse.decode(refusal.encoded) == refusal)
    }

    @Test(arguments: ["", "de", "d5:filesi1ee", "d5:filesd3:abcdeee", "d5:filesd20:AAAAAAAAAAAAAAAAAAAAi1eee"])
    func `a malformed answer is refused`(text: String) {
        #expect(throws: TrackerResponseError.self) { try ScrapeResponse.decode(Array(text.utf8)) }
    }
}
