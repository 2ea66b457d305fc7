// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// Why an answer of a tracker cannot be used.
package enum TrackerResponseError: Error, Equatable, Sendable {
    /// The answer is not canonical bencoding, or exceeds a limit.
    case notBencoded(BencodeError)
    /// The answer is bencoded but has not the shape of an announce's or a scrape's.
    case unexpectedShape
    /// A string of compact peers is not a whole number of them.
    case raggedPeers
    /// More than ``AnnounceResponse/maximumPeerCount`` peers.
    case tooManyPeers
}

extension TrackerResponseError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notBencoded: "The tracker's answer is not bencoded; check that the URL is a tracker's."
        case .unexpectedShape: "The tracker's answer lacks what an answer needs; check that the URL is a tracker's."
        case .raggedPeers: "The tracker's list of peers is cut short; announce again or use another tracker."
        case .tooManyPeers:
            "The tracker sent more than \(AnnounceResponse.maximumPeerCount) peers; ask it for fewer or use another."
        }
    }
}

extension AnnounceResponse {
    /// The longest answer read, in bytes: 1 MiB.
    package static let maximumByteCount = 1 << 20
    /// Intervals are clamped to this many seconds: one week.
    static let maximumInterval = 7 * 24 * 3600

    /// Reads a tracker's answer: compact `peers` and `peers6`, or the list of dictionaries.
    ///
    /// The reader is as strict as ``BencodeDecoder``: a foreign tracker whose dictionaries are not sorted is refused
    /// rather than guessed at. Peers with port 0 are passed over, and so are peers named by a host name, since looking
    /// up names a stranger sends is no part of an announce. A missing `peers` counts as empty, a missing interval as
    /// ``defaultInterval``.
    package static func decode(_ bytes: [UInt8]) throws(TrackerResponseError) -> AnnounceResponse {
        let value: Bencode
        do throws(BencodeError) {
            value = try BencodeDecoder.decode(
                bytes, limits: BencodeLimits(byteCount: maximumByteCount, depth: 4, valueCount: 16 * maximumPeerCount))
        } catch {
            throw .notBencoded(error)
        }
        guard value.entries != nil else { throw .unexpectedShape }
        if let reason = value["failure reason"] {
            return .failure(reason.lossyText ?? "The tracker gave no reason.", retryIn: retry(value["retry in"]))
        }
        var peers = try self.peers(value["peers"])
        peers += try compactPeers(value["peers6"]?.bytes ?? [], stride: 18)
        guard peers.count <= maximumPeerCount else { throw .tooManyPeers }
        return AnnounceResponse(
            interval: seconds(value["interval"]) ?? defaultInterval,
            minInterval: seconds(value["min interval"]),
            complete: count(value["complete"]),
            incomplete: count(value["incomplete"]),
            peers: peers.filter { $0.port != 0 },
            warning: value["warning message"]?.lossyText)
    }

    private static func peers(_ value: Bencode?) throws(TrackerResponseError) -> [PeerAddress] {
        switch value {
        case nil:
            return []
        case .string(let bytes):
            return try compactPeers(bytes, stride: 6)
        case .list(let list):
            guard list.count <= maximumPeerCount else { throw .tooManyPeers }
            return list.compactMap { peer in
                guard let host = peer["ip"]?.text.flatMap({ IPAddress(parsing: $0) }),
                    let port = peer["port"]?.integer.flatMap({ UInt16(exactly: $0) })
                else { return nil }
                return PeerAddress(host: host.unmapped, port: port)
            }
        default:
            throw .unexpectedShape
        }
    }

    private static func compactPeers(
        _ bytes: [UInt8], stride width: Int
    ) throws(TrackerResponseError) -> [PeerAddress] {
        // checked: the width is 6 or 18, and the bytes are a multiple of it.
        guard bytes.count.isMultiple(of: width) else { throw .raggedPeers }
        guard bytes.count / width <= maximumPeerCount else { throw .tooManyPeers }
        return stride(from: 0, to: bytes.count, by: width).compactMap { start in
            PeerAddress(compact: bytes[start..<start + width]).map {
                PeerAddress(host: $0.host.unmapped, port: $0.port)
            }
        }
    }

    private static func seconds(_ value: Bencode?) -> Int? {
        value?.integer.map { Int(min(max($0, 0), Int64(maximumInterval))) }
    }

    private static func count(_ value: Bencode?) -> Int? {
        value?.integer.map { Int(max($0, 0)) }
    }

    /// BEP 31's example writes the minutes as a string, so both forms are read.
    private static func retry(_ value: Bencode?) -> AnnounceRetry? {
        if value?.text == "never" { return .never }
        let minutes = value?.integer ?? value?.bytes.flatMap { DecimalNumber.parse($0, as: Int64.self) }
        return minutes.flatMap { $0 > 0 ? .minutes(Int(min($0, Int64(maximumInterval / 60)))) : nil }
    }
}

extension Bencode {
    /// The string as text in which invalid UTF-8 is replaced: what a person reads, never what is compared.
    var lossyText: String? { bytes.map { String(decoding: $0.prefix(1024), as: UTF8.self) } }
}
