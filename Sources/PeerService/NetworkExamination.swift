// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import TrackerProtocol

/// Looks at what a host needs of its network: a link, its trackers, a clock that is right, and a certificate that holds. It
/// changes nothing.
struct NetworkExamination: Sendable {
    /// Who is asked, and as whom.
    let trackers: [TrackerURL]
    let client: TrackerClient
    let membership: HostEnrolment.Membership?
    let meters: HostMeters

    /// How far a clock may be off before it is said, and before certificates are refused for it.
    private static let clockNote = 5.0
    private static let clockError = 300.0
    /// A certificate is renewed long before this; one that is not has a tracker that cannot be reached.
    private static let lateRenewal = 7.0 * 86_400

    func checks(now: Date = .now) async -> [DoctorReport.Check] {
        var checks = [Self.link]
        for tracker in trackers { checks.append(await look(at: tracker)) }
        if trackers.isEmpty {
            checks.append(
                DoctorReport.Check(
                    "tracker", .note, "no tracker is known here",
                    fix: "name one with `drover peer run --tracker URL`, or enrol the host"))
        }
        return checks + [clock] + [certificate(now)]
    }

    private static var link: DoctorReport.Check {
        guard let rate = LinkRate.bytesPerSecond(cap: nil) else {
            return DoctorReport.Check(
                "network.link", .note, "the kernel does not say how fast this host's link is",
                fix: "say it with `drover limit --down RATE`, so that rollouts take their part of it and no more")
        }
        let megabits = Int(rate * 8 / 1_000_000)
        return DoctorReport.Check(
            "network.link", megabits < 1000 ? .note : .ok, "the fastest link carries \(megabits) Mbit/s",
            fix: megabits < 1000 ? "look at the cable and the switch if it should be more" : nil)
    }

    private func look(at tracker: TrackerURL) async -> DoctorReport.Check {
        let id = "tracker"
        guard case .http = tracker.transport else {
            return DoctorReport.Check(id, .note, "\(tracker.base) speaks UDP, of which nothing is asked here")
        }
        let start = ContinuousClock.now
        do {
            try await client.greet(tracker)
        } catch {
            return DoctorReport.Check(
                id, .error, HostFailure(error).message,
                fix: "start the tracker, correct its URL, or let this host's packets through to it")
        }
        let milliseconds = Int(start.duration(to: .now).milliseconds)
        return DoctorReport.Check(id, .ok, "\(tracker.base) answers within \(max(1, milliseconds)) ms")
    }

    /// By what trackers said of the time, a moment ago or earlier.
    private var clock: DoctorReport.Check {
        guard let offset = meters.clockOffset else {
            return DoctorReport.Check("clock", .note, "no tracker has said what time it is")
        }
        let seconds = Int(abs(offset).rounded())
        let words = seconds == 0 ? "agrees with" : "is \(seconds) s \(offset > 0 ? "ahead of" : "behind")"
        let severity: DoctorReport.Severity =
            abs(offset) >= Self.clockError ? .error : abs(offset) >= Self.clockNote ? .warning : .ok
        return DoctorReport.Check(
            "clock", severity, "this host's clock \(words) its tracker's",
            fix: severity == .ok
                ? nil : "set the clock, and keep it right with NTP: certificates and statements end by it")
    }

    private func certificate(_ now: Date) -> DoctorReport.Check {
        guard let membership else {
            return DoctorReport.Check("certificate", .note, "this host is enrolled in no fleet")
        }
        let certificate = membership.identity.certificate
        let rest = certificate.validUntil.timeIntervalSince(now)
        let days = Int(rest / 86_400)
        guard rest > 0 else {
            return DoctorReport.Check(
                "certificate", .error, "the certificate in the fleet has ended",
                fix: "enrol the host again with `drover host enrol`")
        }
        let isLate = rest < Self.lateRenewal && now > certificate.renewalTime
        return DoctorReport.Check(
            "certificate", isLate ? .warning : .ok, "the certificate in the fleet holds for \(days) days more",
            fix: isLate ? "it should have been renewed: see that the peer runs and reaches \(membership.tracker)" : nil)
    }
}
