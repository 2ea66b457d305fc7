// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// The messages of the extension protocol that Drover takes, under the numbers it chose for them (BEP 10).
package enum ExtendedMessage: Equatable, Sendable {
    /// The sender has a piece no more (BEP 54).
    case dontHave(UInt32)
    /// Whether the sender will not download anything any more (BEP 21).
    case uploadOnly(Bool)
    /// The sender fetches these pieces from somebody who has all of them, and will have them to give. Drover's own.
    case claims([UInt32])

    /// The extensions as a handshake's ``ExtendedHandshake/extensions`` offers them.
    package static let offered: [String: UInt8] = ["lt_donthave": 1, uploadOnlyName: 2, claimsName: 3]
    /// The name under which a peer's handshake gives the number of ``uploadOnly(_:)``.
    package static let uploadOnlyName = "upload_only"
    /// The same for ``claims(_:)``.
    package static let claimsName = "drover_claims"
    /// The most pieces in one message of ``claims(_:)``.
    package static let claimLimit = 64

    /// The payload of ``claims(_:)``: four bytes a piece.
    /// - Parameter pieces: 1 to ``claimLimit`` of them.
    package static func encode(claims pieces: [UInt32]) -> [UInt8] {
        pieces.flatMap { piece in (0..<4).map { UInt8(truncatingIfNeeded: piece >> (24 - 8 * $0)) } }
    }

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
        // checked: a dictionary.
        case Self.offered[Self.claimsName]:
            // checked: four is not 0.
            guard payload.count % 4 == 0, (1...Self.claimLimit).contains(payload.count / 4) else {
                throw .badExtendedMessage
            }
            self = .claims(
                stride(from: 0, to: payload.count, by: 4).map { start in
                    // checked: the payload is whole numbers of four bytes each.
                    payload[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
                })
        default: return nil
        }
    }
}
