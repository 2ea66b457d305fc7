// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// `status --format json`, by the names that are promised to programs.
struct StatusDocument: Decodable, Sendable {
    struct Entry: Decodable, Sendable {
        struct Source: Decodable, Sendable {
            let peer: String
            let bytes: Int64
        }

        let name: String
        let version: Int
        let state: String
        let failure: String?
        let bytesVerified: Int64
        let size: Int64
        let downloadRate: Int64
        let uploadRate: Int64
        let peers: Int
        let clones: [String]
        let sources: [Source]
        let location: String?

        /// Bytes that came from other peers.
        var received: Int64 { sources.reduce(0) { $0 + $1.bytes } }
    }

    struct Tracker: Decodable, Sendable {
        let url: String
        let state: String
    }

    let masters: [Entry]
    let trackers: [Tracker]
    let listen: [String]
    let violations: [String: Int]?
    let refusals: [String: Int]?

    init(json: String) throws {
        self = try JSONDecoder().decode(StatusDocument.self, from: Data(json.utf8))
    }

    /// The entry of `NAME@VERSION`.
    func master(_ name: String) -> Entry? { masters.first { "\($0.name)@\($0.version)" == name } }

    /// Asks the peer on a store directly at its control socket, which costs less than a process.
    /// - Returns: `nil` when none answers.
    static func ask(store: String) throws -> StatusDocument? {
        let folder = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return nil }
        defer { close(folder) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        // A socket's name is short, so the store is named by its descriptor.
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) {
            $0.copyBytes(from: "/proc/self/fd/\(folder)/control.sock".utf8)
        }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { return nil }
        let request = Array("GET /v1/status HTTP/1.1\r\nhost: drover\r\nconnection: close\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(descriptor, &part, part.count, 0), count > 0 { answer += part.prefix(count) }
        guard let body = String(decoding: answer, as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1).last,
            body.hasPrefix("{")
        else { return nil }
        return try StatusDocument(json: String(body))
    }
}
