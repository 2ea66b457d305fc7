// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// Why a scrape is refused.
package enum ScrapeRequestError: Error, Equatable, Sendable {
    /// The query as a whole cannot be read.
    case query(QueryError)
    /// No swarm is named. A tracker-wide scrape is not offered: its answer has no bound.
    case missingInfoHash
    /// An `info_hash` is not 20 bytes long.
    case wrongLength(byteCount: Int)
    /// More than ``ScrapeRequest/maximumCount`` swarms are named.
    case tooMany
}

extension ScrapeRequestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .query(let error): AnnounceRequestError.query(error).description
        case .missingInfoHash: "The scrape names no info_hash; name the swarms to count."
        case .wrongLength(let count): "info_hash has \(count) bytes; send exactly 20, percent-encoded."
        case .tooMany: "The scrape names more than \(ScrapeRequest.maximumCount) swarms; ask for fewer at once."
        }
    }
}

/// Asks for the counts of some swarms (BEP 48).
package struct ScrapeRequest: Equatable, Sendable {
    /// The largest number of swarms in one scrape.
    package static let maximumCount = 64

    /// The swarms, in the order asked for; at least one and at most ``maximumCount`` when read from a query.
    package var infoHashes: [InfoHash]

    package init(infoHashes: [InfoHash]) {
        self.infoHashes = infoHashes
    }

    /// The request as an HTTP query, without a leading `?`.
    package var queryString: String {
        var writer = QueryWriter()
        for hash in infoHashes { writer.append("info_hash", hash.bytes) }
        return writer.query
    }

    /// Reads the query of a scrape, without its leading `?`. Unknown parameters are passed over.
    package init(query: some StringProtocol) throws(ScrapeRequestError) {
        var values: [[UInt8]] = []
        do throws(QueryError) {
            var reader = try QueryReader(query)
            while let parameter = reader.next() {
                if parameter.isNamed("info_hash") { values.append(try parameter.bytes()) }
            }
        } catch {
            throw .query(error)
        }
        guard !values.isEmpty else { throw .missingInfoHash }
        guard values.count <= Self.maximumCount else { throw .tooMany }
        infoHashes = []
        for value in values {
            guard let hash = InfoHash(value) else { throw .wrongLength(byteCount: value.count) }
            infoHashes.append(hash)
        }
    }
}
