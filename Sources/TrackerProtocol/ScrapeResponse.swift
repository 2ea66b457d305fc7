// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// The counts of some swarms (BEP 48), or a reason why there are none.
package struct ScrapeResponse: Equatable, Sendable {
    /// The counts of one swarm.
    package struct Counts: Equatable, Sendable {
        /// Seeds.
        package var complete: Int
        /// Downloads that were completed since the tracker began to know the swarm.
        package var downloaded: Int
        /// Peers that are not seeds.
        package var incomplete: Int

        package init(complete: Int, downloaded: Int, incomplete: Int) {
            self.complete = complete
            self.downloaded = downloaded
            self.incomplete = incomplete
        }
    }

    /// The counts by swarm; swarms the tracker does not know are absent.
    package var files: [InfoHash: Counts]
    /// Why the scrape was refused.
    package var failureReason: String?

    package init(files: [InfoHash: Counts] = [:], failureReason: String? = nil) {
        self.files = files
        self.failureReason = failureReason
    }

    /// The answer in canonical bencoding.
    package var encoded: [UInt8] {
        if let failureReason { return Bencode.dictionary(["failure reason": .text(failureReason)]).encoded }
        let entries = files.map { hash, counts in
            Bencode.Entry(
                key: hash.bytes,
                value: .dictionary([
                    "complete": .integer(Int64(counts.complete)),
                    "downloaded": .integer(Int64(counts.downloaded)),
                    "incomplete": .integer(Int64(counts.incomplete)),
                ]))
        }
        return Bencode.dictionary(["files": .sorted(entries)]).encoded
    }

    /// Reads a tracker's answer of at most 1 MiB. Counts that are absent or negative are read as 0.
    package static func decode(_ bytes: [UInt8]) throws(TrackerResponseError) -> ScrapeResponse {
        let value: Bencode
        do throws(BencodeError) {
            let limits = BencodeLimits(byteCount: AnnounceResponse.maximumByteCount, depth: 4, valueCount: 65_536)
            value = try BencodeDecoder.decode(bytes, limits: limits)
        } catch {
            throw .notBencoded(error)
        }
        if let reason = value["failure reason"] {
            return ScrapeResponse(failureReason: reason.lossyText ?? "The tracker gave no reason.")
        }
        guard let entries = value["files"]?.entries else { throw .unexpectedShape }
        var response = ScrapeResponse()
        for entry in entries {
            guard let hash = InfoHash(entry.key), entry.value.entries != nil else { throw .unexpectedShape }
            func count(_ key: String) -> Int { Int(max(entry.value[key]?.integer ?? 0, 0)) }
            // checked: a dictionary.
            response.files[hash] = Counts(
                complete: count("complete"), downloaded: count("downloaded"), incomplete: count("incomplete"))
        }
        return response
    }
}
