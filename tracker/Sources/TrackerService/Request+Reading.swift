// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
package import OperatorAccess
import TrackerStorage

extension Request {
    /// Where a list goes on, as an earlier page said.
    func cursor(_ name: Substring) -> String? {
        uri.queryParameters[name].map(String.init).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How long a page of a list may be; 100 unless asked for.
    func limit() throws(APIError) -> Int {
        guard let text = uri.queryParameters["limit"] else { return 100 }
        guard let limit = Int(text), (1...StorageLimits.page).contains(limit) else {
            throw APIError(
                .badRequest, .badLimit, "A page has 1 to \(StorageLimits.page) entries; ask for a number between.")
        }
        return limit
    }

    static let badCursor = APIError(
        .badRequest, .badCursor, "That is no place in the list; take 'next' of the page before as it is.")

    /// The body as a JSON document, of at most `limit` bytes.
    /// - Parameter budget: what all such bodies may hold in memory while they arrive.
    func document<Document: Decodable>(
        upTo limit: Int, within budget: TransferBudget? = nil
    ) async throws -> Document {
        let reservation = budget?.reservation()
        defer { withExtendedLifetime(reservation) {} }
        var body = ByteBuffer()
        for try await part in self.body {
            guard body.readableBytes + part.readableBytes <= limit else {
                throw APIError(
                    .contentTooLarge, .tooLarge, "The document is longer than \(limit) bytes; make it shorter.")
            }
            try reservation?.grow(by: part.readableBytes)
            body.writeImmutableBuffer(part)
        }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(body.readableBytesView))
        } catch {
            throw APIError(
                .unprocessableContent, .badDocument,
                "The body is not the JSON document that belongs here; see the tracker's documentation.")
        }
    }
}

extension TokenSecret {
    /// Bytes for a new token, from the system's source of secrets.
    package static func freshBytes() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
