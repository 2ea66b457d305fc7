// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import Logging
import PeerTransport
import TrackerProtocol

/// What a running peer does about the fleet that its host is enrolled in.
extension Peer {
    /// How often the tracker is asked for revoked certificates, and a certificate is looked at.
    private static let fleetInterval = Duration.seconds(60)

    /// Connections follow the host's identity from this moment on. One that is enrolled nowhere stays open to all; an
    /// enrolled one is open only when told so.
    func useIdentity() {
        guard let membership = host.enrolment.membership else { return network.use(nil, admitsPlain: true) }
        do throws(IdentityRefusal) {
            network.use(try membership.tls(), admitsPlain: configuration.isOpenSwarm)
        } catch {
            // Without TLS nobody gets anything of the fleet's masters.
            network.use(nil, admitsPlain: configuration.isOpenSwarm)
            log.error("this host's identity cannot be used; enrol it again", metadata: ["reason": "\(error)"])
        }
    }

    /// Renews the certificate in time, and hears of revoked ones.
    func watchFleet() -> Task<Void, Never> {
        Task { [weak self] in
            var failures = 0
            let clock = ContinuousClock()
            var renewal = clock.now
            while !Task.isCancelled {
                let now = clock.now
                switch await self?.refreshFleet(mayRenew: now >= renewal) {
                case true?: failures = 0
                // A tracker gives a host only so many certificates that come to nothing.
                case false?:
                    failures += 1
                    renewal = now + min(Self.longestRenewalPause, .seconds(60 << min(failures, 10)))
                case nil: break
                }
                try? await Task.sleep(for: Self.fleetInterval)
            }
        }
    }

    private static let longestRenewalPause = Duration.seconds(6 * 3600)

    /// - Returns: whether the certificate was renewed; `nil` when that was not tried.
    private func refreshFleet(mayRenew: Bool) async -> Bool? {
        var isRenewed: Bool?
        network.endExpired(at: Date())
        guard !isStopping, let before = host.enrolment.membership, let tracker = TrackerURL(before.tracker) else {
            return nil
        }
        if let problem = await host.refreshRevocations(from: tracker) {
            log.debug("revoked certificates are not known", metadata: ["reason": "\(problem)"])
        }
        let certificate = before.identity.certificate
        if mayRenew, Date() >= certificate.renewalTime {
            do {
                try await host.renew()
                isRenewed = true
                log.info("the certificate was renewed", metadata: ["host": "\(certificate.holder)"])
            } catch {
                isRenewed = false
                let reason = HostFailure(error).message
                log.warning(
                    "the certificate is not renewed yet",
                    metadata: ["reason": "\(reason)", "validUntil": "\(certificate.validUntil)"])
            }
        }
        guard let after = host.enrolment.membership else { return isRenewed }
        let isNews =
            after.identity.certificate != certificate || after.revoked != before.revoked
        if isNews { useIdentity() }
        return isRenewed
    }
}
