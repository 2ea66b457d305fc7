// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

extension FuzzTarget {
    /// Addresses and networks, as text and in compact form, are read again as they are written.
    static let addresses = FuzzTarget("addresses", maximumLength: 64) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let host = IPAddress(parsing: text) {
            try expectEqual(IPAddress(parsing: "\(host)"), host, "host")
            try expectEqual(IPAddress(host.bytes), host, "bytes of a host")
            let network = NetworkPrefix(parsing: "\(host)")
            try expect(network?.contains(host) == true || host.unmapped != host, "\(host) is not in its own network")
        }
        if let address = PeerAddress(parsing: text) {
            try expectEqual(PeerAddress(parsing: "\(address)"), address, "address")
            try expectEqual(PeerAddress(compact: address.compact), address, "compact form")
        }
        if let network = NetworkPrefix(parsing: text) {
            try expectEqual(NetworkPrefix(parsing: "\(network)"), network, "network")
        }
        if let address = PeerAddress(compact: bytes) {
            try expectEqual(address.compact, bytes, "compact form")
            try expectEqual(PeerAddress(parsing: "\(address)"), address, "text")
        }
        if let id = PeerID(bytes.prefix(PeerID.byteCount)) {
            try expectEqual(id.bytes, Array(bytes.prefix(PeerID.byteCount)), "peer id")
            try expectEqual(id.description.utf8.count, PeerID.byteCount, "shown peer id")
        }
    }

    /// A tracker's URL means the same when it is written as it was understood.
    static let trackerURL = FuzzTarget("tracker-url", maximumLength: 256) { bytes in
        guard let url = TrackerURL(String(decoding: bytes, as: UTF8.self)) else { return }
        let again = try unwrap(TrackerURL(url.announce), "\(url.announce) is no URL")
        try expectEqual(again.announce, url.announce, "announce")
        try expectEqual(again.scrape, url.scrape, "scrape")
        try expectEqual(again.base, url.base, "base")
        try expectEqual(again.transport, url.transport, "transport")
        try expect(url.announce(query: "a=1").contains("a=1"), "the query is lost")
        if case .udp(let host, let port) = url.transport {
            try expect(!host.isEmpty && port > 0, "\(host) and \(port) are nowhere")
        }
    }
}
