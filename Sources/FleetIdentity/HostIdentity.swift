// SPDX-License-Identifier: Apache-2.0

/// What a member of a fleet shows to others: the fleet it is of, its certificate, and the key that proves it.
package struct HostIdentity: Sendable {
    package let anchor: FleetAnchor
    package let certificate: FleetCertificate
    let key: IdentityKey

    /// - Throws: ``IdentityRefusal``; `.wrongHolder` when the key is not the certificate's.
    package init(anchor: FleetAnchor, certificate: FleetCertificate, key: IdentityKey) throws(IdentityRefusal) {
        guard key.belongs(to: certificate) else { throw .wrongHolder }
        self.anchor = anchor
        self.certificate = certificate
        self.key = key
    }

    /// The key, to be kept in a file of the host's own.
    package var secret: IdentityKey { key }
}
