// SPDX-License-Identifier: Apache-2.0

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

    /// The counts that are not zero, by name, for reports.
    package var refusals: [String: Int] {
        [
            "outsideNetworks": outsideNetworks, "tooManyOfOneHost": beyondHost, "tooMany": beyondAll,
            "tooManyHalfOpen": halfOpen,
        ].filter { $0.1 > 0 }
    }
}
