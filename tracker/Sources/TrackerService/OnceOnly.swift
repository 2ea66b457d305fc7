// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Hummingbird
import Metainfo
import OperatorAccess
import TrackerStorage

/// Carries out a change that names itself by a key once, however often it is asked for: for changes that would be made a
/// second time, and whose answers are not kept, since they are secret. What a repetition is told is what became of the
/// first.
struct OnceOnly: Sendable {
    static let header = HTTPField.Name("Idempotency-Key") ?? .date
    /// How long a key is remembered, in seconds.
    static let memory: Int64 = 86_400
    private static let keyLimit = 128

    let storage: any IdempotencyStorage
    let clock: @Sendable () -> Int64

    /// - Parameters:
    ///   - wanted: what tells the request from others.
    ///   - change: makes the change, or throws and has changed nothing.
    func perform(
        _ request: Request, _ context: TrackerContext, _ wanted: [UInt8], _ change: () async throws -> Response
    ) async throws -> Response {
        guard let key = request.headers[Self.header] else { return try await change() }
        guard (1...Self.keyLimit).contains(key.utf8.count) else {
            throw APIError(
                .badRequest, .malformed, "An Idempotency-Key has 1 to \(Self.keyLimit) bytes; choose a shorter one.")
        }
        let requester = context.requester.actor
        let digest = SHA256Digest(hashing: Array("\(request.method) \(request.uri.path)\n".utf8) + wanted)
        let now = clock()
        switch try await storage.beginRequest(
            key: key, by: requester, digest: digest.bytes, at: now, expires: now + Self.memory)
        {
        case .begun: break
        case .underWay:
            throw APIError(
                .conflict, .conflict,
                "A request with this key is under way, or the tracker ended in the middle of it; look whether it was done."
            )
        case .answered:
            throw APIError(
                .conflict, .conflict,
                "A request with this key was carried out, and its answer is shown once; look for what it made.")
        case .otherRequest:
            throw APIError(.conflict, .conflict, "The request's key stands for another request; choose a new one.")
        }
        let response: Response
        do {
            response = try await change()
        } catch {
            try? await storage.abandonRequest(key: key, by: requester)
            throw error
        }
        try await storage.finishRequest(key: key, by: requester, answer: Array("\(response.status.code)".utf8))
        return response
    }
}
