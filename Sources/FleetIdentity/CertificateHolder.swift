// SPDX-License-Identifier: Apache-2.0

import X509

/// Whom a certificate names. It stands in the certificate as a URI, which no rule about host names of the web applies to.
package enum CertificateHolder: Hashable, Sendable, CustomStringConvertible {
    /// A host by its name in the fleet: see ``isHostName(_:)``.
    case host(String)
    case tracker

    /// The longest name of a host, in bytes.
    package static let nameLimit = 253
    private static let hostPrefix = "drover://host/"
    private static let trackerURI = "drover://tracker"

    /// - Returns: `nil` for what is no host name.
    package static func host(named name: String) -> CertificateHolder? { isHostName(name) ? .host(name) : nil }

    /// Whether this can be a host's name: lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at
    /// most ``nameLimit`` of them.
    package static func isHostName(_ name: String) -> Bool {
        let bytes = name.utf8
        func isStart(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        return (1...nameLimit).contains(bytes.count) && bytes.first.map(isStart) == true
            && bytes.allSatisfy { isStart($0) || [0x2d, 0x2e, 0x5f].contains($0) }
    }

    var uri: String {
        switch self {
        case .host(let name): Self.hostPrefix + name
        case .tracker: Self.trackerURI
        }
    }

    /// - Returns: `nil` unless it names exactly one holder.
    init?(_ names: SubjectAlternativeNames) {
        let uris = names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
        guard let uri = uris.first, uris.count == 1 else { return nil }
        if uri == Self.trackerURI {
            self = .tracker
        } else if uri.hasPrefix(Self.hostPrefix),
            let host = Self.host(named: String(uri.dropFirst(Self.hostPrefix.count)))
        {
            self = host
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .host(let name): "host \(name)"
        case .tracker: "the tracker"
        }
    }
}
