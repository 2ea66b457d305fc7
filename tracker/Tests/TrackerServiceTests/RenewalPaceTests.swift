// SPDX-License-Identifier: Apache-2.0

import OperatorAccess
import Testing
import TrackerStorage

import TrackerService

/// What keeps hosts that ask again and again from filling what all share.
@Suite struct RenewalPaceTests {
    /// From day 20 on a host that cannot keep the new certificate asks once a minute, until its own ends on day 30.
    @Test func `a host that keeps nothing is given certificates to the last day, and has room for them`() {
        var certificates = [StoredCertificate(serial: "0", host: "h", issued: 0, expires: 30 * 86_400)]
        for minute in (20 * 1440)..<(30 * 1440) {
            let now = Int64(minute) * 60
            guard RenewalPace.wait(certificates, at: now) == nil else { continue }
            certificates.append(
                StoredCertificate(serial: "\(minute)", host: "h", issued: now, expires: now + 30 * 86_400))
        }
        #expect(certificates.count < StorageLimits().certificatesPerHost)
        #expect(certificates.contains { $0.issued > 30 * 86_400 - RenewalPace.distance - 60 })
        #expect(certificates.filter { $0.issued < 20 * 86_400 + 600 }.count == 1 + RenewalPace.free)
        #expect(RenewalPace.wait(certificates, at: 31 * 86_400) == nil)
    }

    @Test func `refusals of each requester are counted apart`() {
        var counts = RefusalCounts()
        func counted(_ requester: Requester, _ tries: Int, at time: Int64) -> Int {
            (0..<tries).count { _ in counts.count(of: requester, at: time).isCounted }
        }
        #expect(counted(.host("h1"), 50, at: 0) == RefusalCounts.perRequester)
        #expect(counted(.host("h2"), 5, at: 0) == 5)
        #expect(counted(.anonymous, 500, at: 59) == RefusalCounts.perMinute)
        #expect(counted(.host("h1"), 1, at: 60) == 1)
        // A table of names has its bound as well.
        let many = (0..<10_000).reduce(0) { $0 + counted(.host("n\($1)"), 1, at: 120) }
        #expect(many == RefusalCounts.requesterLimit + RefusalCounts.perMinute)
    }
}
