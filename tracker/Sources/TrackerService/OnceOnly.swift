// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Hummingbird
import Metainfo
import NIOCore
import OperatorAccess
import TrackerStorage

/// Keys by which requesters name their changes, so that one that is sent again is not made again. Each requester has keys of
/// their own.
struct OnceOnly: Sendable {
    /// How long a key is remembered, in seconds.
    static let memory: Int64 = 86_400
    private static let keyLimit = 128
    private static let header = HTTPField.Name("Idempotency-Key") ?? .date

    let storage: any IdempotencyStorage
    let clock: @Sendable () -> Int64

    /// The key of a request; `nil` when it has none.
    static func key(of request: Request) throws(APIError) -> String? {
        guard let key = request.headers[header] else { return nil }
        // What a header can carry is not all that a database or a log wants.
        guard (1...keyLimit).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw APIError(
                .badRequest, .malformed,
                "An Idempotency-Key has 1 to \(keyLimit) letters, digits or signs of ASCII; choose another.")
        }
        return key
    }

    /// Carries out a change once, however often it is asked for: one that would be made a second time, and whose answer is
    /// not kept, since it is secret. What a repetition is told is what became of the first.
    /// - Parameters:
    ///   - wanted: what tells the request from others.
    ///   - key: the request's key, where it is not in its header.
    ///   - change: makes the change, or throws and has changed nothing.
    func perform(
        _ request: Request, _ context: TrackerContext, _ wanted: ByteBuffer, key: String? = nil,
        _ change: () async throws -> Response
    ) async throws -> Response {
        guard let key = try key ?? Self.key(of: request) else { return try await change() }
        switch try await begin(key, request, context, wanted) {
        case .begun: return try await finish(key, context, change)
        case .underWay:
            throw APIError(
                .conflict, .conflict,
                "A request with this key is under way, or the tracker ended in the middle of it; look whether it was done."
            )
        case .answered:
            throw APIError(
                .conflict, .conflict,
                "A request with this key was carried out, and its answer is shown once; look for what it made.")
        case .otherRequest: throw Self.keyOfAnother
        }
    }

    /// The same for a change that finds out itself whether it was made before, and then answers alike: all that is refused
    /// is a key that stands for another request.
    /// - Parameter change: makes the change. It is given what stands for the key among the keys of all requesters.
    func performKnown(
        _ request: Request, _ context: TrackerContext, _ wanted: ByteBuffer,
        _ change: (_ key: String?) async throws -> Response
    ) async throws -> Response {
        guard let key = try Self.key(of: request) else { return try await change(nil) }
        let name = SHA256Digest(hashing: Array("\(context.requester.actor)\n\(key)".utf8)).hex
        switch try await begin(key, request, context, wanted) {
        case .begun: return try await finish(key, context) { try await change(name) }
        case .underWay, .answered: return try await change(name)
        case .otherRequest: throw Self.keyOfAnother
        }
    }

    private func begin(
        _ key: String, _ request: Request, _ context: TrackerContext, _ wanted: ByteBuffer
    ) async throws -> RequestBeginning {
        let digest = SHA256Digest(
            hashing: Array("\(request.method) \(request.uri.path)\n".utf8) + wanted.readableBytesView)
        let now = clock()
        return try await storage.beginRequest(
            key: key, by: context.requester.actor, digest: digest.bytes, at: now, expires: now + Self.memory)
    }

    private func finish(
        _ key: String, _ context: TrackerContext, _ change: () async throws -> Response
    ) async throws -> Response {
        let requester = context.requester.actor
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

    private static let keyOfAnother = APIError(
        .conflict, .conflict, "The request's key stands for another request; choose a new one.")
}
