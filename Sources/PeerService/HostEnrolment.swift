// SPDX-License-Identifier: Apache-2.0

package import FileLayer
package import FleetIdentity
import FoundationEssentials
package import ImageStore
import Synchronization

/// Which fleet this host is enrolled in, in the store's folder `identity`: its key, its certificate, and which certificates
/// of others count no more. The key is in a file of its owner's and never leaves it.
package final class HostEnrolment: Sendable {
    private static let format = 1
    private static let byteLimit = 128 << 10

    /// The host's place in a fleet.
    package struct Membership: Sendable {
        package let identity: HostIdentity
        /// The tracker that enrolled the host, which renews its certificate too.
        package let tracker: String
        /// Serial numbers that count no more, and when the list of them was signed.
        package fileprivate(set) var revoked: Set<String> = []
        package fileprivate(set) var revokedAt: Int64 = 0

        /// TLS with the other hosts of the fleet.
        /// - Throws: ``IdentityRefusal``.
        package func tls() throws(IdentityRefusal) -> MutualTLS { try MutualTLS(identity, revoked: revoked) }
    }

    /// One file for what belongs together, so that no crash parts a key from its certificate.
    private struct Kept: Codable {
        var format: Int
        var tracker: String
        var authority: String
        var certificate: String
        var key: String
    }

    private let layout: StoreLayout
    private let files: any FileAccess
    private let now: @Sendable () -> Int64
    private let state: Mutex<Membership?>

    /// - Throws: ``HostFailure`` for an identity that cannot be read: an enrolled host must not pass for one that is not.
    init(
        _ layout: StoreLayout, _ files: any FileAccess,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) throws(HostFailure) {
        self.now = now
        self.layout = layout
        self.files = files
        do {
            state = Mutex(try Self.read(layout, files))
        } catch {
            throw HostFailure(
                .failed,
                "\(Self.identityPath(layout)), which holds this host's identity, cannot be read (\(error)); restore it from "
                    + "a backup, or remove it and enrol the host again")
        }
    }

    /// `nil` while the host is enrolled nowhere.
    package var membership: Membership? { state.withLock { $0 } }

    /// Keeps an identity, in the place of any there was.
    /// - Parameter serial: of the certificate that it takes the place of. When the host has left the fleet meanwhile, or got
    ///   another identity, nothing is kept; `nil` keeps it in any case.
    /// - Returns: whether it was kept.
    @discardableResult
    func keep(
        _ identity: HostIdentity, tracker: String, renewing serial: String? = nil
    ) throws(HostFailure) -> Bool {
        let kept = Kept(
            format: Self.format, tracker: tracker, authority: identity.anchor.pem,
            certificate: identity.certificate.pem, key: identity.secret.pem)
        return try HostFailure.wrapping {
            try state.withLock { state in
                if let serial, state?.identity.certificate.serial != serial { return false }
                try files.makeDirectory(layout.identity)
                try files.syncDirectory(layout.root)
                try files.replacePrivate(Self.identityPath(layout), with: Array(try JSONEncoder().encode(kept)))
                var membership = Membership(identity: identity, tracker: tracker)
                // What was revoked in this fleet stays so.
                if let old = state, old.identity.anchor == identity.anchor {
                    membership.revoked = old.revoked
                    membership.revokedAt = old.revokedAt
                } else {
                    try files.remove(Self.revokedPath(layout))
                }
                state = membership
                return true
            }
        }
    }

    /// Takes a list of revoked certificates.
    /// - Returns: whether it changed anything.
    /// - Throws: ``HostFailure`` when the fleet's authority has not signed it, or it cannot be kept.
    func take(_ list: RevocationList) throws(HostFailure) -> Bool {
        do {
            return try state.withLock { state in
                guard var membership = state else { return false }
                let (issued, serials) = try list.read(membership.identity.anchor)
                // A list from the future would make this host deaf to all that come before it.
                guard issued <= now() + Int64(CertificateCheck.clockSkew) else {
                    throw HostFailure(
                        .verification, "the list of revoked certificates is from the future; check the clocks")
                }
                guard issued > membership.revokedAt || membership.revokedAt > now() + Int64(CertificateCheck.clockSkew)
                else { return false }
                try files.replace(Self.revokedPath(layout), with: Array(try JSONEncoder().encode(list)))
                let isNews = serials != membership.revoked
                membership.revoked = serials
                membership.revokedAt = issued
                state = membership
                return isNews
            }
        } catch {
            throw HostFailure(error)
        }
    }

    /// Forgets the identity; the key is gone for good.
    func leave() throws(HostFailure) {
        try HostFailure.wrapping {
            try state.withLock { state in
                try files.remove(Self.identityPath(layout))
                try files.remove(Self.revokedPath(layout))
                if state != nil { try files.syncDirectory(layout.identity) }
                state = nil
            }
        }
    }

    /// The certificate of the authority of the fleet in which a store's host is enrolled, as PEM, for programs that speak to
    /// the fleet's tracker and do not open the store; `nil` where there is none, or where only others may read it.
    package static func authority(of layout: StoreLayout, _ files: any FileAccess) -> String? {
        guard let bytes = try? files.contents(of: identityPath(layout), limit: byteLimit),
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes)), kept.format <= format
        else { return nil }
        return kept.authority
    }

    private static func read(_ layout: StoreLayout, _ files: any FileAccess) throws -> Membership? {
        guard let status = try files.status(identityPath(layout)) else { return nil }
        guard status.mode & 0o077 == 0 else {
            throw HostFailure(.failed, "others may read it; make it yours alone: chmod 600")
        }
        let bytes = try files.contents(of: identityPath(layout), limit: byteLimit)
        let kept = try JSONDecoder().decode(Kept.self, from: Data(bytes))
        guard kept.format <= format else { throw HostFailure(.failed, "a newer version wrote it; use that") }
        guard let key = IdentityKey(pem: kept.key) else { throw IdentityRefusal.unreadable }
        let identity = try HostIdentity(
            anchor: FleetAnchor(pem: kept.authority), certificate: FleetCertificate(pem: kept.certificate), key: key)
        var membership = Membership(identity: identity, tracker: kept.tracker)
        if try files.status(revokedPath(layout)) != nil {
            let list = try JSONDecoder().decode(
                RevocationList.self,
                from: Data(files.contents(of: revokedPath(layout), limit: RevocationList.byteLimit)))
            do throws(IdentityRefusal) {
                (membership.revokedAt, membership.revoked) = try list.read(identity.anchor)
            } catch .foreign {
                // A crash between the new fleet's identity and the end of the old one's list left it.
            }
        }
        return membership
    }

    private static func identityPath(_ layout: StoreLayout) -> String { "\(layout.identity)/identity.json" }
    private static func revokedPath(_ layout: StoreLayout) -> String { "\(layout.identity)/revoked.json" }
}
