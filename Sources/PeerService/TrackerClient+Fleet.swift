// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FleetIdentity
import FoundationEssentials
import NIOCore
import NIOHTTP1
import TrackerProtocol

/// What a host says to the tracker of its fleet about its own certificate, and asks about those of others.
///
/// None of it is secret and all of it is signed, so that it needs no protection on its way.
extension TrackerClient {
    /// - Throws: ``HostFailure`` with the tracker's reason.
    func enrol(_ request: EnrolmentRequest, at tracker: TrackerURL) async throws -> EnrolmentAnswer {
        try await post(.enrol(request), "the enrolment", tracker)
    }

    func renew(_ request: RenewalRequest, at tracker: TrackerURL) async throws -> EnrolmentAnswer {
        try await post(.renew(request), "the renewal", tracker)
    }

    /// - Returns: `nil` when the tracker has no fleet.
    func revocations(at tracker: TrackerURL) async throws -> RevocationList? {
        let url = "\(try Self.fleet(tracker))/revoked"
        guard let json = try await find(url, RevocationList.byteLimit, tracker) else { return nil }
        return try Self.read(RevocationList.self, json, tracker)
    }

    private func post(
        _ order: CertificateOrder, _ what: String, _ tracker: TrackerURL
    ) async throws -> EnrolmentAnswer {
        var request = HTTPClientRequest(url: "\(try Self.fleet(tracker))/certificate")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(order)))
        let response = try await send(request, timeout: Self.catalogueTimeout, tracker)
        try await check(response, what, tracker)
        let answer = try await response.body.collect(upTo: EnrolmentAnswer.byteLimit)
        return try Self.read(EnrolmentAnswer.self, Array(answer.readableBytesView), tracker)
    }

    private static func fleet(_ tracker: TrackerURL) throws(HostFailure) -> String {
        guard case .http = tracker.transport else {
            throw HostFailure(.usage, "\(tracker) knows no fleets; name a drover-tracker's http URL")
        }
        return "\(tracker.base)/api/v1/fleet"
    }

    private static func read<Answer: Decodable>(
        _ type: Answer.Type, _ json: [UInt8], _ tracker: TrackerURL
    ) throws(HostFailure) -> Answer {
        guard let answer = try? JSONDecoder().decode(type, from: Data(json)) else {
            throw HostFailure(.trackerUnreachable, "the tracker \(tracker.base) answered with nonsense")
        }
        return answer
    }
}
