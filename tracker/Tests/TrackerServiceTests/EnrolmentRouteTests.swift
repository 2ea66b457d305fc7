// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FleetProtocol
import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import NIOCore
import SqliteStorage
import Testing
import TrackerStorage

/// Orders of certificates that come a second time, because their answers were lost.
@Suite struct EnrolmentRouteTests {
    private func order(_ order: CertificateOrder, on fleet: Fleet) async throws -> TestResponse {
        try await fleet.client.executeRequest(
            uri: "/api/v1/fleet/certificate", method: .post, headers: [:],
            body: ByteBuffer(bytes: try JSONEncoder().encode(order)))
    }

    private func identity(_ answer: TestResponse, _ key: IdentityKey) throws -> HostIdentity {
        let document = try JSONDecoder().decode(EnrolmentAnswer.self, from: Data(Array(buffer: answer.body)))
        return try HostIdentity(
            anchor: FleetAnchor(pem: document.authority), certificate: FleetCertificate(pem: document.certificate),
            key: key)
    }

    private func code(_ answer: TestResponse) -> ReasonCode? {
        try? JSONDecoder().decode(FleetProblem.self, from: Data(Array(buffer: answer.body))).code
    }

    @Test func `an order that comes twice is answered alike, and its token is for no other`() async throws {
        try await withFleet { fleet in
            let token = EnrolmentToken(for: try FleetAuthority(fleet: "any", now: Date()).anchor)
            _ = try await fleet.storage.addEnrolmentToken(
                StoredEnrolmentToken(
                    id: "t", digest: token.digest, pattern: "h*", creator: "ada", created: 1, expires: Int64.max / 2))
            let (key, next) = (IdentityKey(), IdentityKey())
            let request = CertificateOrder.enrol(try EnrolmentRequest(host: "h1", key: key, token: token))
            let first = try await order(request, on: fleet)
            #expect(first.status == .ok)
            #expect(try await order(request, on: fleet).body == first.body)
            for (host, key) in [("h1", IdentityKey()), ("h2", key), ("h1", key)] {
                let other = try await order(
                    .enrol(try EnrolmentRequest(host: host, key: key, token: token)), on: fleet)
                // A new signature of the same wish is another order; the host asks with the one that it has.
                #expect(other.status == .unauthorized && code(other) == .usedToken)
            }

            let renewal = CertificateOrder.renew(try RenewalRequest(identity(first, key), next: next))
            let renewed = try await order(renewal, on: fleet)
            #expect(renewed.status == .ok && renewed.body != first.body)
            #expect(try await order(renewal, on: fleet).body == renewed.body)
            #expect(try await fleet.storage.certificates(of: "h1").count == 2)
            _ = try identity(renewed, next)

            // Whoever was shut out is told so, and not what was answered before.
            _ = try await fleet.storage.revokeHost("h1", at: 3)
            #expect(code(try await order(renewal, on: fleet)) == .certificateRevoked)
        }
    }
}
