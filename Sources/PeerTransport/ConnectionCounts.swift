// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity

/// Why connections were not made or were ended, counted since the process began.
package struct ConnectionCounts: Equatable, Sendable {
    /// Connections that a peer's violation ended, by `ProtocolViolation.kind`.
    package var violations: [String: Int] = [:]
    /// Connections from outside the networks that are allowed.
    package var outsideNetworks = 0
    /// Connections beyond those that one host may have.
    package var beyondHost = 0
    /// Connections beyond those that all may have together.
    package var beyondAll = 0
    /// Connections without a complete handshake that made room for newer ones.
    package var halfOpen = 0

    /// Connections without TLS where none are accepted.
    package var withoutTLS = 0
    /// Connections in TLS that were about no image of the fleet.
    package var unknownInTLS = 0
    /// Certificates that were not taken.
    package var certificates: [IdentityRefusal: Int] = [:]

    /// The counts that are not zero, by name, for reports.
    package var refusals: [String: Int] {
        let numbers = [
            "outsideNetworks": outsideNetworks, "tooManyOfOneHost": beyondHost, "tooMany": beyondAll,
            "tooManyHalfOpen": halfOpen, "withoutTLS": withoutTLS, "unknownImageInTLS": unknownInTLS,
        ].filter { $0.1 > 0 }
        return certificates.reduce(into: numbers) { $0["certificate:\($1.key.rawValue)"] = $1.value }
    }
}
