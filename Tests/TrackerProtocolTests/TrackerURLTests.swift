// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerProtocol

@Suite struct TrackerURLTests {
    @Test(arguments: [
        "http://t:6969", "http://t:6969/", "http://t:6969/announce", "http://t:6969/announce/",
        "HTTP://T:6969//announce",
    ])
    func `an address means the same tracker with and without announce`(text: String) throws {
        let url = try #require(TrackerURL(text))
        #expect(url.announce.hasSuffix("/announce"))
        #expect(url.scrape.hasSuffix("/scrape"))
        #expect(url.base.hasPrefix("http://t:6969"))
    }

    @Test(arguments: [
        ("http://t", "http://t", "http://t/announce", "http://t/scrape"),
        ("https://t.x/a/b", "https://t.x/a/b", "https://t.x/a/b/announce", "https://t.x/a/b/scrape"),
        ("http://t/x/announce.php?k=1", "http://t/x", "http://t/x/announce.php?k=1", "http://t/x/scrape.php?k=1"),
        ("http://t?k=1", "http://t", "http://t/announce?k=1", "http://t/scrape?k=1"),
        ("http://[::1]:6969/announce", "http://[::1]:6969", "http://[::1]:6969/announce", "http://[::1]:6969/scrape"),
        ("http://1.2.3.4:80", "http://1.2.3.4:80", "http://1.2.3.4:80/announce", "http://1.2.3.4:80/scrape"),
    ])
    func `base, announce and scrape follow from the address`(
        text: String, base: String, announce: String, scrape: String
    ) throws {
        let url = try #require(TrackerURL(text))
        #expect(url.base == base)
        #expect(url.announce == announce)
        #expect(url.scrape == scrape)
    }

    @Test(arguments: [
        ("udp://t:1/announce", "t", 1), ("UDP://Tracker.X:6969", "tracker.x", 6969),
        ("udp://[::1]:80/x?k=1", "::1", 80),
    ])
    func `a udp tracker has a host and a port`(text: String, host: String, port: UInt16) throws {
        let url = try #require(TrackerURL(text))
        #expect(url.transport == .udp(host: host, port: port))
        #expect(url.announce.hasPrefix("udp://"))
    }

    @Test func `a query is joined by a question mark or an ampersand`() throws {
        #expect(try #require(TrackerURL("http://t")).announce(query: "a=1") == "http://t/announce?a=1")
        #expect(try #require(TrackerURL("http://t?k=1")).announce(query: "a=1") == "http://t/announce?k=1&a=1")
        #expect(try #require(TrackerURL("http://t?")).scrape(query: "a=1") == "http://t/scrape?a=1")
        #expect(try #require(TrackerURL("http://t?k=1&")).scrape(query: "a=1") == "http://t/scrape?k=1&a=1")
        #expect(try #require(TrackerURL("http://t?k=?")).scrape(query: "a=1") == "http://t/scrape?k=?&a=1")
    }

    @Test(arguments: [
        "", "t", "t:6969", "http:", "http:/t", "http://", "http:///announce", "udp://t/announce", "udp://t:0",
        "udp://[::1]", "ftp://t",
        "http://t:0",
        "http://t:65536", "http://t:", "http://t:x", "http://user@t", "http://u:p@t", "http://t#f", "http://t/a b",
        "http://t/\n", "http://t\r\nX: y", "http://[::1", "http://[::1]x", "http://[1.2.3.4]", "http://::1",
        "http://t/ü",
        "http://-t", "http://.t", "http://t?\"", "file:///etc/passwd",
    ])
    func `anything else is refused`(text: String) {
        #expect(TrackerURL(text) == nil)
    }

    @Test func `an endless URL is refused`() {
        #expect(TrackerURL("http://t/" + String(repeating: "a", count: 2048)) == nil)
    }
}
