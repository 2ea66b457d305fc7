// SPDX-License-Identifier: Apache-2.0

/// A tracker's address as people write it, with or without `/announce`, and the URLs that follow from it.
///
/// `http://host:6969`, `http://host:6969/` and `http://host:6969/announce` mean the same tracker. A query is kept and
/// goes with announces and scrapes, since some trackers carry a key there.
package struct TrackerURL: Hashable, Sendable {
    /// How the tracker is spoken to.
    package enum Transport: Hashable, Sendable {
        case http
        /// Datagrams to this name or literal address and port (BEP 15). Such a tracker has no catalogue.
        case udp(host: String, port: UInt16)
    }

    /// The longest URL read, in bytes.
    package static let maximumByteCount = 2048

    /// Where the tracker's other services hang, without a slash or a query at its end: `http://host:6969`.
    package let base: String
    /// The URL to announce to, with the query the user wrote.
    package let announce: String
    /// The URL to scrape, with the query the user wrote (BEP 48: `announce` at the start of the last path component
    /// becomes `scrape`).
    package let scrape: String
    package let transport: Transport

    /// Reads a URL.
    /// - Returns: `nil` unless it is an http, https or udp URL with a host that is a name or a literal address, a port
    ///   from 1 to 65535 that only udp demands, no user or password, no fragment, and only printable ASCII in it.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumByteCount, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        guard let schemeEnd = text.firstIndex(of: ":") else { return nil }
        // checked: every slice here is cut where its own text, or the one it is a part of, was searched.
        let scheme = text[..<schemeEnd].lowercased()
        let afterScheme = text[schemeEnd...]
        guard ["http", "https", "udp"].contains(scheme), afterScheme.hasPrefix("://") else { return nil }
        let rest = afterScheme.dropFirst(3)

        // checked: the same.
        let queryStart = rest.firstIndex(of: "?") ?? rest.endIndex
        let query = rest[queryStart...]
        let location = rest[..<queryStart]
        let pathStart = location.firstIndex(of: "/") ?? location.endIndex
        let authority = location[..<pathStart]
        var path = location[pathStart...]
        guard Self.isValid(authority: authority) else { return nil }
        if scheme == "udp" {
            guard let (host, port) = Self.endpoint(authority) else { return nil }
            transport = .udp(host: host, port: port)
        } else {
            transport = .http
        }

        // checked: the same.
        while path.last == "/" { path = path.dropLast() }
        let origin = "\(scheme)://\(authority.lowercased())"
        let lastSlash = path.lastIndex(of: "/")
        let lastComponent = lastSlash.map { path[path.index(after: $0)...] } ?? ""
        if let lastSlash, lastComponent.hasPrefix("announce") {
            base = origin + path[..<lastSlash]
            announce = origin + path + query
            scrape = base + "/scrape" + lastComponent.dropFirst("announce".count) + query
        } else {
            base = origin + path
            announce = base + "/announce" + query
            scrape = base + "/scrape" + query
        }
    }

    /// What stands behind the host and port in the URL to announce to: its path and query.
    package var target: String {
        let parts = announce.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return "/" + (parts.dropFirst(3).first ?? "")
    }

    /// The URL of one announce.
    package func announce(query: String) -> String { Self.append(query, to: announce) }

    /// The URL of one scrape.
    package func scrape(query: String) -> String { Self.append(query, to: scrape) }

    /// The host, an IPv6 one without its brackets, and the port; `nil` without a port.
    private static func endpoint(_ authority: Substring) -> (String, UInt16)? {
        // checked: the colon was found in this text.
        guard let colon = authority.lastIndex(of: ":"),
            let port = DecimalNumber.parse(authority[authority.index(after: colon)...].utf8, as: UInt16.self)
        else { return nil }
        let host = authority[..<colon].lowercased()
        return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host, port)
    }

    /// Joins with `?`, or with `&` where the URL has a query already.
    private static func append(_ query: String, to url: String) -> String {
        guard let mark = url.firstIndex(of: "?") else { return "\(url)?\(query)" }
        let isEmpty = url.index(after: mark) == url.endIndex
        return isEmpty || url.last == "&" ? url + query : "\(url)&\(query)"
    }

    /// Printable ASCII without what RFC 3986 leaves out of URLs, and without `#`, which no server ever sees.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
            UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
            false
        default:
            (0x21...0x7e).contains(byte)
        }
    }

    private static func isValid(authority: Substring) -> Bool {
        var host = authority
        // checked: the bracket was found in this text.
        if let bracket = authority.lastIndex(of: "]") {
            let tail = authority[authority.index(after: bracket)...]
            guard authority.first == "[", tail.isEmpty || isPort(tail) else { return false }
            let literal = authority[..<bracket].dropFirst()
            return IPAddress(parsing: literal)?.isIPv6 == true
        }
        // checked: the colon was found in this text.
        if let colon = authority.firstIndex(of: ":") {
            guard isPort(authority[colon...]) else { return false }
            host = authority[..<colon]
        }
        guard (1...253).contains(host.utf8.count), host.first != "-", host.first != "." else { return false }
        return host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
            default: false
            }
        }
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard text.first == ":", let port = DecimalNumber.parse(text.dropFirst().utf8, as: UInt16.self) else {
            return false
        }
        return port != 0
    }
}

extension TrackerURL: CustomStringConvertible {
    package var description: String { announce }
}
