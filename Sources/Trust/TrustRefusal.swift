// SPDX-License-Identifier: Apache-2.0

/// Why a signed statement, or a master without one, is not believed.
package struct TrustRefusal: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The words that programs read; docs/operating/trust.md explains each.
    package enum Code: String, Codable, CaseIterable, Sendable {
        /// It cannot be read, is of another kind, or contradicts itself.
        case malformed
        /// Nobody whom this host trusts has signed it.
        case unknownKey = "unknown-key"
        /// A signature does not fit what is signed.
        case badSignature = "bad-signature"
        /// Fewer publishers have signed than must.
        case tooFewSignatures = "too-few-signatures"
        /// It was true until a time that is past.
        case expired
        /// Everything that is known of the line is past its time: somebody may be holding back what is newer.
        case frozen
        /// It was made at a time that has not come yet by this host's clock.
        case clockSuspect = "clock-suspect"
        /// It is older than what this host has seen.
        case rollback
        /// Its parts do not belong together: another content, name or version than was signed.
        case mixAndMatch = "mix-and-match"
        /// Its publishers have withdrawn it.
        case revoked
        /// It may not follow the version that this host has.
        case barrier
        /// There is no signed statement about it.
        case unsigned
    }

    package let code: Code
    /// What happened, as a part of a sentence.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(message) (\(code.rawValue))" }
}
