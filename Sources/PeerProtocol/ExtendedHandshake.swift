// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import TrackerProtocol

/// The first message of the extension protocol (BEP 10): which extensions a peer takes, and some facts about it.
package struct ExtendedHandshake: Equatable, Sendable {
    /// The extended message number of the handshake itself.
    package static let messageID: UInt8 = 0

    /// The numbers under which the sender wants to receive each extension; 0 turns one off.
    package var extensions: [String: UInt8] = [:]
    /// The sender's listening port, when it accepts connections.
    package var listenPort: UInt16?
    /// The sender's name and version, for people.
    package var client: String?
    /// How many outstanding requests the sender keeps.
    package var requestQueue: Int?
    /// The bytes up to which the sender answers one request, where that is more than a block; only Drover's peers say it.
    package var longestRequest: Int?
    /// The sender will not download anything (BEP 21).
    package var isUploadOnly = false
    /// The rack in which the sender stands; only Drover's peers say it.
    package var rack: RackName?

    package init() {}

    /// The handshake as the payload of extended message 0.
    package var encoded: [UInt8] {
        let names = extensions.map { Bencode.Entry(key: Array($0.key.utf8), value: .integer(Int64($0.value))) }
        return Bencode.dictionary([
            "drover_request": longestRequest.map { .integer(Int64($0)) },
            "m": .sorted(names),
            "p": listenPort.map { .integer(Int64($0)) },
            "rack": rack.map { .text($0.text) },
            "reqq": requestQueue.map { .integer(Int64($0)) },
            "upload_only": isUploadOnly ? .integer(1) : nil,
            "v": client.map { .text($0) },
        ]).encoded
    }

    /// Reads the payload of extended message 0. Values of an unexpected type are treated as absent, because BEP 10
    /// makes all of them optional.
    /// - Throws: ``ProtocolViolation/badExtendedHandshake`` when it is not a bencoded dictionary.
    package init(_ payload: [UInt8]) throws(ProtocolViolation) {
        let limits = BencodeLimits(byteCount: 64 * 1024, depth: 8, valueCount: 1024)
        guard let value = try? BencodeDecoder.decode(payload, limits: limits), value.entries != nil else {
            throw .badExtendedHandshake
        }
        for entry in value["m"]?.entries ?? [] {
            guard let number = entry.value.integer.flatMap({ UInt8(exactly: $0) }) else { continue }
            // checked: a dictionary.
            extensions[String(decoding: entry.key, as: UTF8.self)] = number
        }
        listenPort = value["p"]?.integer.flatMap { UInt16(exactly: $0) }
        client = value["v"]?.text.map { String($0.prefix(64)) }
        requestQueue = value["reqq"]?.integer.flatMap { Int(exactly: $0) }
        longestRequest = value["drover_request"]?.integer.flatMap { Int(exactly: $0) }
        isUploadOnly = value["upload_only"]?.integer == 1
        rack = value["rack"]?.text.flatMap { RackName($0) }
    }
}
