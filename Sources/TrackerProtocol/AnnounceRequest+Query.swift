// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Why an announce is refused before it reaches a swarm.
package enum AnnounceRequestError: Error, Equatable, Sendable {
    /// The query as a whole cannot be read.
    case query(QueryError)
    /// A parameter that every announce needs is absent.
    case missing(parameter: String)
    /// `info_hash` or `peer_id` is not 20 bytes long.
    case wrongLength(parameter: String, byteCount: Int)
    /// A number is not decimal, is negative, or does not fit.
    case notANumber(parameter: String)
    /// The port is 0, at which nobody can be reached.
    case portZero
}

extension AnnounceRequestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .query(.tooLong): "The query is longer than \(QueryReader.maximumByteCount) bytes; send fewer parameters."
        case .query(.badEscape(let name)): "The value of \(name) has a % that two hexadecimal digits do not follow."
        case .missing(let name): "The announce has no \(name); send it with every announce."
        case .wrongLength(let name, let count): "\(name) has \(count) bytes; send exactly 20, percent-encoded."
        case .notANumber(let name): "\(name) is not a number in range; send decimal digits only."
        case .portZero: "The port is 0; send the port on which the peer accepts connections."
        }
    }
}

extension AnnounceRequest {
    /// Reads the query of an announce, without its leading `?`.
    ///
    /// Unknown parameters, unknown events, a `numwant` that is no count and a `rack` that is no name are passed over; of a
    /// repeated parameter the first counts. `uploaded` and `downloaded` may be absent and count as 0. A client's `ip` is never read: an
    /// announce speaks only for the address it came from.
    /// - Throws: the first violation met.
    package init(query: some StringProtocol) throws(AnnounceRequestError) {
        var fields = Fields()
        do throws(QueryError) {
            var reader = try QueryReader(query)
            while let parameter = reader.next() { try fields.take(parameter) }
        } catch {
            throw .query(error)
        }
        self = try fields.request()
    }

    /// The values met so far, still as bytes.
    private struct Fields {
        private var infoHash: [UInt8]?
        private var peerID: [UInt8]?
        private var port: [UInt8]?
        private var uploaded: [UInt8]?
        private var downloaded: [UInt8]?
        private var left: [UInt8]?
        private var event: [UInt8]?
        private var numberWanted: [UInt8]?
        private var key: [UInt8]?
        private var noPeerID: [UInt8]?
        private var compact: [UInt8]?
        private var rack: [UInt8]?

        mutating func take(_ parameter: QueryReader.Parameter) throws(QueryError) {
            if parameter.isNamed("info_hash") {
                try Self.set(&infoHash, parameter)
            } else if parameter.isNamed("peer_id") {
                try Self.set(&peerID, parameter)
            } else if parameter.isNamed("port") {
                try Self.set(&port, parameter)
            } else if parameter.isNamed("uploaded") {
                try Self.set(&uploaded, parameter)
            } else if parameter.isNamed("downloaded") {
                try Self.set(&downloaded, parameter)
            } else if parameter.isNamed("left") {
                try Self.set(&left, parameter)
            } else if parameter.isNamed("event") {
                try Self.set(&event, parameter)
            } else if parameter.isNamed("numwant") {
                try Self.set(&numberWanted, parameter)
            } else if parameter.isNamed("key") {
                try Self.set(&key, parameter)
            } else if parameter.isNamed("no_peer_id") {
                try Self.set(&noPeerID, parameter)
            } else if parameter.isNamed("compact") {
                try Self.set(&compact, parameter)
            } else if parameter.isNamed("rack") {
                try Self.set(&rack, parameter)
            }
        }

        private static func set(_ field: inout [UInt8]?, _ parameter: QueryReader.Parameter) throws(QueryError) {
            if field == nil { field = try parameter.bytes() }
        }

        func request() throws(AnnounceRequestError) -> AnnounceRequest {
            guard let hashBytes = infoHash else { throw .missing(parameter: "info_hash") }
            guard let hash = InfoHash(hashBytes) else {
                throw .wrongLength(parameter: "info_hash", byteCount: hashBytes.count)
            }
            guard let idBytes = peerID else { throw .missing(parameter: "peer_id") }
            guard let id = PeerID(idBytes) else { throw .wrongLength(parameter: "peer_id", byteCount: idBytes.count) }
            guard let portNumber: UInt16 = try Self.number("port", port) else { throw .missing(parameter: "port") }
            guard portNumber != 0 else { throw .portZero }
            guard let left: Int64 = try Self.number("left", left) else { throw .missing(parameter: "left") }
            return AnnounceRequest(
                infoHash: hash, peerID: id, port: portNumber,
                uploaded: try Self.number("uploaded", uploaded) ?? 0,
                downloaded: try Self.number("downloaded", downloaded) ?? 0,
                left: left,
                event: event.flatMap { AnnounceEvent(rawValue: String(decoding: $0, as: UTF8.self)) },
                numberWanted: numberWanted.flatMap { DecimalNumber.parse($0, as: Int.self) },
                key: key.map { Array($0.prefix(AnnounceRequest.maximumKeyByteCount)) },
                noPeerID: noPeerID.map { $0 == [UInt8(ascii: "1")] } ?? false,
                // Every client of the last decade reads the compact form, so only an explicit 0 asks for the other.
                compact: compact.map { $0 != [UInt8(ascii: "0")] } ?? true,
                rack: rack.flatMap { RackName($0) })
        }

        private static func number<Number: FixedWidthInteger>(
            _ name: String, _ bytes: [UInt8]?
        ) throws(AnnounceRequestError) -> Number? {
            guard let bytes else { return nil }
            guard let number = DecimalNumber.parse(bytes, as: Number.self) else { throw .notANumber(parameter: name) }
            return number
        }
    }
}
