// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The URL of an image on an HTTP server (BEP 19).
package struct WebSeedAddress: Hashable, Sendable {
    private let url: URL
    let host: String
    let port: Int

    /// - Parameters:
    ///   - text: as the metainfo has it. One that ends with a slash names a folder that holds the image.
    ///   - name: the image's file name.
    /// - Returns: `nil` for what is not an `http` or `https` URL with a host.
    package init?(_ text: String, name: String) {
        guard let url = URL(string: text) else { return nil }
        self.init(text.hasSuffix("/") ? url.appendingPathComponent(name) : url)
    }

    private init?(_ url: URL) {
        guard let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty
        else { return nil }
        self.url = url
        // An IPv6 address stands in brackets in a URL and nowhere else.
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// The image's own URL.
    var text: String { url.absoluteString }

    /// Where the server sends this side on to.
    /// - Returns: `nil` when that is on another host or port, or no longer protected by TLS: whoever made the torrent
    ///   named this server, and nobody else may make a host of the fleet connect to a place of his choice.
    func redirected(to location: String) -> WebSeedAddress? {
        guard let target = URL(string: location, relativeTo: url).flatMap({ WebSeedAddress($0.absoluteURL) }),
            target.host.lowercased() == host.lowercased(), target.port == port,
            target.url.scheme?.lowercased() == url.scheme?.lowercased()
        else { return nil }
        return target
    }
}
