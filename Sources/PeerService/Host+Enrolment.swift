// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import Metainfo
import PeerTransport
import TrackerProtocol

/// How this host gets into a fleet, stays in it, and leaves it.
extension Host {
    /// Makes a key and lets the tracker certify it.
    func enrol(_ order: HostRequest.Enrol) async throws -> EnrolmentReport {
        let tracker = try TrackerClient.url(order.tracker)
        guard let token = EnrolmentToken(order.token) else {
            throw HostFailure(
                .usage, "this is no enrolment token; take it as `drover-tracker token create` printed it")
        }
        guard CertificateHolder.isHostName(order.name) else {
            throw HostFailure(
                .usage,
                "'\(order.name.prefix(80))' cannot be a host's name in a fleet: write lower-case letters, digits, '.', '_' "
                    + "and '-', beginning with a letter or digit")
        }
        if let old = enrolment.membership, old.identity.anchor.fingerprint != token.fingerprint, !order.isReplacing {
            throw HostFailure(
                .conflict,
                "this host is enrolled in another fleet, as \(old.identity.certificate.holder); leave that first with "
                    + "`drover host leave`")
        }
        let key = IdentityKey()
        let answer = try await enrolmentClient.enrol(
            EnrolmentRequest(host: order.name, key: key, token: token), at: tracker)
        let identity: HostIdentity
        do throws(IdentityRefusal) {
            identity = try await answer.identity(of: key, fingerprint: token.fingerprint, now: Date())
        } catch {
            throw HostFailure(.verification, "what the tracker \(tracker.base) answered is not believed: \(error)")
        }
        try enrolment.keep(identity, tracker: tracker.base)
        try audit.add("host.enrol", "\(identity.certificate.holder)", after: identity.certificate.serial)
        await refreshRevocations(from: tracker)
        guard let report = enrolmentReport else { throw HostFailure(.failed, "the identity was lost; this is a bug") }
        return report
    }

    /// Asks for the next certificate, with a new key.
    func renew() async throws {
        guard let membership = enrolment.membership else { return }
        let key = IdentityKey()
        let tracker = try TrackerClient.url(membership.tracker)
        let answer = try await enrolmentClient.renew(RenewalRequest(membership.identity, next: key), at: tracker)
        let next = try await answer.identity(
            of: key, fingerprint: membership.identity.anchor.fingerprint, now: Date())
        guard next.certificate.holder == membership.identity.certificate.holder else {
            throw IdentityRefusal.wrongHolder
        }
        let isKept = try enrolment.keep(
            next, tracker: membership.tracker, renewing: membership.identity.certificate.serial)
        guard isKept else { return }
        try audit.add("host.renew", "\(next.certificate.holder)", after: next.certificate.serial)
    }

    /// Asks a tracker whose certificates count no more.
    /// - Returns: why its answer is not believed, if it has one and that is so.
    @discardableResult
    func refreshRevocations(from tracker: TrackerURL) async -> String? {
        do {
            guard let list = try await trackerClient().revocations(at: tracker) else {
                return "\(tracker.base) has no list of revoked certificates; is it still the fleet's tracker?"
            }
            _ = try enrolment.take(list)
            return nil
        } catch {
            return "\(tracker.base), revoked certificates: \(HostFailure(error).message)"
        }
    }

    /// Speaks to trackers as this host is known to them now.
    /// - Parameter credentials: an operator's, who asks this host to do something for them.
    func trackerClient(_ credentials: TrackerCredentials? = nil) -> TrackerClient {
        TrackerClient(
            credentials: TrackerCredentials(
                token: credentials?.token, authorities: credentials?.authorities ?? trackerAuthorities),
            membership: enrolment.membership, meters: meters)
    }

    /// For what is signed, both ways: the token that the host has names the fleet that must have answered, and its own
    /// certificate may have expired.
    private var enrolmentClient: TrackerClient {
        TrackerClient(credentials: TrackerCredentials(authorities: trackerAuthorities), takesAnybody: true)
    }

    func leaveFleet() throws(HostFailure) {
        guard let membership = enrolment.membership else {
            throw HostFailure(.notFound, "this host is enrolled in no fleet")
        }
        try audit.add("host.leave", "\(membership.identity.certificate.holder)")
        try enrolment.leave()
    }

    /// How the host is enrolled; `nil` when it is not.
    package var enrolmentReport: EnrolmentReport? { enrolment.membership.map { EnrolmentReport($0) } }

    /// Refuses an image that only the hosts of another fleet may fetch.
    func checkAccess(to metainfo: Metainfo) throws(HostFailure) {
        switch SwarmAccess(authority: metainfo.authority) {
        case .everyone: return
        case .nobody:
            throw HostFailure(
                .verification,
                "the torrent's authority (ssl-cert) cannot be read; get an unspoiled copy of the .torrent")
        case .fleet(let anchor):
            guard let own = enrolment.membership?.identity.anchor else {
                throw HostFailure(
                    .verification,
                    "only enrolled hosts may fetch this master; enrol this one with `drover host enrol` (its fleet is "
                        + "\(anchor.fingerprint.prefix(16)))")
            }
            guard own == anchor else {
                throw HostFailure(
                    .verification,
                    "this master belongs to the fleet \(anchor.fingerprint.prefix(16)), and this host to "
                        + "\(own.fingerprint.prefix(16))")
            }
        }
    }
}
