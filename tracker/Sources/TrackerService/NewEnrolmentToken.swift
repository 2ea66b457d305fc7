// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
import Metainfo
package import TrackerStorage

/// A token for a host that is being made: the only place where it and what is kept of it are together.
package struct NewEnrolmentToken: Sendable {
    /// How long a token lasts, in seconds.
    private static let lifetime: Int64 = 3600

    /// What is shown to whoever brings it to the host, once.
    package let secret: String
    /// What is kept.
    package let stored: StoredEnrolmentToken

    /// Why no such token can be made.
    package enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case pattern(String)
        case label(String)

        package var description: String {
            switch self {
            case .pattern(let text):
                "'\(text.prefix(80))' is no pattern for host names; write it like rack1-7 or 'rack1-*'."
            case .label(let text): "'\(text.prefix(80))' is no label; write it like rack=r1."
            }
        }
    }

    /// - Parameters:
    ///   - hosts: which names the host may take, as ``HostPattern`` has it.
    ///   - labels: what is said of the host, `key=value` each.
    ///   - creator: an operator's name in the audit trail, or `local`.
    package init(
        for anchor: FleetAnchor, hosts: String, labels: [String], creator: String, at now: Int64
    ) throws(Fault) {
        guard HostPattern(hosts) != nil else { throw .pattern(hosts) }
        let token = EnrolmentToken(for: anchor)
        secret = token.secret
        stored = StoredEnrolmentToken(
            id: String(token.digest.hexadecimal.prefix(16)), digest: token.digest, pattern: hosts,
            labels: try Self.named(labels), creator: creator, created: now, expires: now + Self.lifetime)
    }

    /// Labels by their keys; of two with one key the later counts.
    package static func named(_ labels: [String]) throws(Fault) -> [String: String] {
        var named: [String: String] = [:]
        for label in labels {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let key = parts.first, let value = parts.last, !key.isEmpty, !value.isEmpty else {
                throw .label(label)
            }
            named[key] = value
        }
        return named
    }
}
