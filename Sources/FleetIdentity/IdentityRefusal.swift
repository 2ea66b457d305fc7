// SPDX-License-Identifier: Apache-2.0

/// Why a certificate, a request for one, or an authority is not taken.
package enum IdentityRefusal: String, Error, CaseIterable, Sendable, CustomStringConvertible {
    /// There is no certificate.
    case missing = "no-certificate"
    /// It is not what it should be at all: no PEM, no DER, too long, a key of another kind.
    case unreadable = "unreadable"
    /// The fleet's authority has not signed it.
    case foreign = "other-fleet"
    case expired = "expired"
    case notYetValid = "not-yet-valid"
    /// It may not be used for what it is used for.
    case wrongUse = "wrong-use"
    /// It names somebody else, or nobody.
    case wrongHolder = "wrong-holder"
    case revoked = "revoked"
    /// A request that is not signed with its own key.
    case unproven = "unproven-key"
    /// Nothing could be signed or written; this is a bug.
    case unwritable = "unwritable"

    package var description: String {
        switch self {
        case .missing: "there is no certificate; enrol the host"
        case .unreadable: "this is no certificate, key or request that can be used; get an unspoiled copy"
        case .foreign: "the certificate is not from this fleet's authority; enrol the host in this fleet"
        case .expired: "the certificate has expired; check the clock, or enrol the host again"
        case .notYetValid: "the certificate is not valid yet; check the clocks of both sides"
        case .wrongUse: "the certificate is not made for this use; enrol the host to get one that is"
        case .wrongHolder: "the certificate names somebody else"
        case .revoked: "the certificate is revoked; ask who runs the fleet"
        case .unproven: "the request is not signed with the key that it names"
        case .unwritable: "it could not be signed; this is a bug"
        }
    }
}
