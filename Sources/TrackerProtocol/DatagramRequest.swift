// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What a client sends to a tracker over UDP (BEP 15, BEP 41). All numbers are in network order.
package enum DatagramRequest: Equatable, Sendable {
    /// Asks for a connection id, which proves that this side receives at the address it sends from.
    case connect(transaction: UInt32)
    /// An announce under a connection id. The key is a number by which the tracker knows the peer again when its address
    /// changes.
    case announce(AnnounceRequest, connection: UInt64, transaction: UInt32, key: UInt32)
    /// Asks for the counts of 1 to ``maximumScrapeCount`` swarms under a connection id.
    case scrape([InfoHash], connection: UInt64, transaction: UInt32)

    /// What every request begins with.
    package struct Head: Equatable, Sendable {
        /// The number of bytes in it.
        package static let byteCount = 16

        package enum Action: UInt32, Sendable {
            case connect, announce, scrape
        }

        /// The protocol's own number in the first request, the connection id in the others.
        package let connection: UInt64
        package let action: Action
        package let transaction: UInt32

        /// - Returns: `nil` for what is no request.
        package init?(_ datagram: RawSpan) {
            guard datagram.byteCount >= Self.byteCount else { return nil }
            guard let action = Action(rawValue: datagram.number(at: 8)) else { return nil }
            connection = datagram.number(at: 0)
            transaction = datagram.number(at: 12)
            self.action = action
            if action == .connect, connection != DatagramRequest.protocolID { return nil }
        }
    }

    /// The most swarms in one scrape.
    package static let maximumScrapeCount = 74
    /// The longest request read, in bytes: an announce with options, and a scrape, are shorter.
    package static let maximumByteCount = 2048
    static let protocolID: UInt64 = 0x417_2710_1980
    private static let announceByteCount = 98

    /// Reads a request.
    ///
    /// An announce may be longer than its fields; options behind them are read as BEP 41 has them and carry the query of
    /// the tracker's URL, of which ``RackName`` is taken. A negative number of bytes up or down is read as 0, one of bytes left as
    /// unknown and so as the most, and unknown events as none. The address a client names is never read.
    /// - Returns: `nil` for what is no request, an announce with port 0 and a scrape of no or too many swarms.
    package init?(_ datagram: RawSpan) {
        guard datagram.byteCount <= Self.maximumByteCount, let head = Head(datagram) else { return nil }
        switch head.action {
        case .connect:
            self = .connect(transaction: head.transaction)
        case .announce:
            guard let (request, key) = Self.announce(datagram) else { return nil }
            self = .announce(request, connection: head.connection, transaction: head.transaction, key: key)
        case .scrape:
            let count = (datagram.byteCount - Head.byteCount) / InfoHash.byteCount
            guard count >= 1, count <= Self.maximumScrapeCount else { return nil }
            // checked: so many hashes are there.
            let hashes = (0..<count).map { datagram.infoHash(at: Head.byteCount + $0 * InfoHash.byteCount) }
            self = .scrape(hashes, connection: head.connection, transaction: head.transaction)
        }
    }

    private static func announce(_ datagram: RawSpan) -> (AnnounceRequest, key: UInt32)? {
        guard datagram.byteCount >= announceByteCount else { return nil }
        let port: UInt16 = datagram.number(at: 96)
        guard port != 0 else { return nil }
        let event: AnnounceEvent? =
            switch datagram.number(at: 80) as UInt32 {
            case 1: .completed
            case 2: .started
            case 3: .stopped
            default: nil
            }
        let wanted = Int32(bitPattern: datagram.number(at: 92))
        let left = Int64(bitPattern: datagram.number(at: 64))
        let request = AnnounceRequest(
            infoHash: datagram.infoHash(at: 16),
            peerID: PeerID(datagram.number(at: 36), datagram.number(at: 44), datagram.number(at: 52)), port: port,
            uploaded: max(0, Int64(bitPattern: datagram.number(at: 72))),
            downloaded: max(0, Int64(bitPattern: datagram.number(at: 56))),
            left: left < 0 ? .max : left, event: event,
            numberWanted: wanted < 0 ? nil : Int(wanted), rack: rack(datagram))
        return (request, datagram.number(at: 88))
    }

    /// The datagram of this request.
    package var encoded: [UInt8] {
        switch self {
        case .connect(let transaction):
            return Self.bytes(Self.protocolID) + Self.bytes(Head.Action.connect.rawValue) + Self.bytes(transaction)
        case .announce(let request, let connection, let transaction, let key):
            return Self.announce(request, connection: connection, transaction: transaction, key: key)
        case .scrape(let hashes, let connection, let transaction):
            return Self.bytes(connection) + Self.bytes(Head.Action.scrape.rawValue) + Self.bytes(transaction)
                + hashes.flatMap(\.bytes)
        }
    }

    /// The datagram of an announce to a tracker whose URL has this path and query.
    static func announce(
        _ request: AnnounceRequest, connection: UInt64, transaction: UInt32, key: UInt32, target: String = plainTarget
    ) -> [UInt8] {
        bytes(connection) + bytes(Head.Action.announce.rawValue) + bytes(transaction)
            + fields(of: request, key: key) + options(of: request, target: target)
    }

    private static func fields(of request: AnnounceRequest, key: UInt32) -> [UInt8] {
        let event: UInt32 =
            switch request.event {
            case .completed: 1
            case .started: 2
            case .stopped: 3
            case .paused, nil: 0
            }
        var fields = request.infoHash.bytes + request.peerID.bytes
        fields += bytes(UInt64(bitPattern: request.downloaded)) + bytes(UInt64(bitPattern: request.left))
        fields += bytes(UInt64(bitPattern: request.uploaded)) + bytes(event)
        // The address is left to the tracker to see, and so is the number of peers where none is asked for.
        fields += bytes(UInt32(0)) + bytes(key)
        fields += bytes(UInt32(bitPattern: request.numberWanted.flatMap { Int32(exactly: $0) } ?? -1))
        return fields + bytes(request.port)
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    // MARK: Options (BEP 41)

    private enum Option {
        static let end: UInt8 = 0
        static let nothing: UInt8 = 1
        static let url: UInt8 = 2
    }

    /// What a tracker's URL has when it says nothing more than where the tracker is; it goes without options.
    static let plainTarget = "/announce"

    private static func options(of request: AnnounceRequest, target: String) -> [UInt8] {
        var url = Array(target.utf8)
        if let rack = request.rack {
            let mark = url.contains(UInt8(ascii: "?")) ? "&" : "?"
            url += "\(mark)\(RackName.parameter)=\(rack.text)".utf8
        } else if target == plainTarget {
            return []
        }
        // An option has at most 255 bytes, and more of them are read as one text.
        return stride(from: 0, to: url.count, by: 255).flatMap { start in
            let part = url.dropFirst(start).prefix(255)
            return [Option.url, UInt8(truncatingIfNeeded: part.count)] + part
        }
    }

    private static func rack(_ datagram: RawSpan) -> RackName? {
        guard datagram.byteCount > announceByteCount else { return nil }
        var url: [UInt8] = []
        var position = announceByteCount
        options: while position < datagram.byteCount {
            switch datagram.number(at: position) as UInt8 {
            case Option.nothing: position += 1
            case Option.url:
                guard position + 1 < datagram.byteCount else { break options }
                let end = position + 2 + Int(datagram.number(at: position + 1) as UInt8)
                guard end <= datagram.byteCount else { break options }
                // checked: the end was compared with the count, and lies behind the beginning.
                for offset in position + 2..<end { url.append(datagram.number(at: offset)) }
                position = end
            case Option.end: break options
            default: break options
            }
        }
        guard let mark = url.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        // checked: the mark was found in these bytes.
        guard var reader = try? QueryReader(String(decoding: url[(mark + 1)...], as: UTF8.self)) else { return nil }
        while let parameter = reader.next() {
            if parameter.isNamed("rack") { return (try? parameter.bytes()).flatMap { RackName($0) } }
        }
        return nil
    }
}

extension RawSpan {
    /// A number in network order. To be asked for only where it lies within the bytes; it is checked nevertheless.
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
        Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    fileprivate func infoHash(at offset: Int) -> InfoHash {
        InfoHash(number(at: offset), number(at: offset + 8), number(at: offset + 16))
    }
}
