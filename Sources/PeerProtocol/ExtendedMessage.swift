// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// The messages of the extension protocol that Drover takes, under the numbers it chose for them (BEP 10).
package enum ExtendedMessage: Equatable, Sendable {
    /// The sender has a piece no more (BEP 54).
    case dontHave(UInt32)
    /// Whether the sender will not download anything any more (BEP 21).
    case uploadOnly(Bool)

    /// The extensions as a handshake's ``ExtendedHandshake/extensions`` offers them.
    package static let offered: [String: UInt8] = ["lt_donthave": 1, uploadOnlyName: 2]
    /// The name under which a peer's handshake gives the number of ``uploadOnly(_:)``.
    package static let uploadOnlyName = "upload_only"

    /// Reads a message that arrived.
    /// - Returns: `nil` for a number that was never offered, which is to be ignored.
    /// - Throws: ``ProtocolViolation/badExtendedMessage``.
    package init?(id: UInt8, payload: [UInt8]) throws(ProtocolViolation) {
        switch id {
        case Self.offered["lt_donthave"]:
            guard payload.count == 4 else { throw .badExtendedMessage }
            self = .dontHave(payload.reduce(0) { $0 << 8 | UInt32($1) })
        // checked: a dictionary.
        case Self.offered[Self.uploadOnlyName]:
            guard payload.count == 1 else { throw .badExtendedMessage }
            self = .uploadOnly(payload.first != 0)
        default: return nil
        }
    }
}
