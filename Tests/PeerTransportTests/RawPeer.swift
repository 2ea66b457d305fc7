// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metainfo
import NIOCore
import PeerProtocol
import TrackerProtocol

/// A peer that is only a blocking socket, for saying what no honest peer says.
struct RawPeer: ~Copyable {
    struct Failure: Error {
        let step: String
        let code: Int32
    }

    private let descriptor: Int32

    /// Connects to an IPv4 address on loopback.
    /// - Parameter receiveBuffer: the size of the kernel's receive buffer in bytes, when it is to be small.
    init(_ address: PeerAddress, receiveBuffer: Int32? = nil) throws {
        descriptor = try Self.connect(to: address, receiveBuffer: receiveBuffer)
    }

    /// A connected socket, which the caller closes.
    static func connect(to address: PeerAddress, receiveBuffer: Int32? = nil) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(step: "socket", code: errno) }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        // Only a bound: on a busy machine everything takes longer.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(address.port.bigEndian)
        withUnsafeMutableBytes(of: &target.sin_addr) { $0.copyBytes(from: address.host.bytes) }
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(step: "connect", code: code)
        }
        return descriptor
    }

    /// A connection that was accepted.
    fileprivate init(accepted descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Sends all of `bytes`.
    /// - Parameter withEnd: keep the bytes until the socket closes, so that they arrive together with its end.
    func send(_ bytes: [UInt8], withEnd: Bool = false) throws {
        var start = 0
        while start < bytes.count {
            let flags = Int32(MSG_NOSIGNAL) | (withEnd ? Int32(MSG_MORE) : 0)
            let count = bytes[start...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { throw Failure(step: "send", code: errno) }
            start += count
        }
    }

    func send(_ messages: PeerMessage...) throws {
        var buffer = ByteBuffer()
        for message in messages { MessageEncoder.encode(message, into: &buffer) }
        try send(Array(buffer.readableBytesView))
    }

    /// Receives exactly `count` bytes, or `nil` when the other side ended the connection first.
    func receive(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let part = bytes[filled...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if part == 0 || (part < 0 && errno == ECONNRESET) { return nil }
            guard part > 0 else { throw Failure(step: "recv", code: errno) }
            filled += part
        }
        return bytes
    }

    /// Exchanges handshakes about the image.
    func shakeHands(_ infoHash: InfoHash, fast: Bool = true) throws {
        var random = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        Handshake(infoHash: infoHash, peerID: .generated(using: &random), supportsFast: fast, supportsExtensions: false)
            .encode(into: &buffer)
        try send(Array(buffer.readableBytesView))
        guard try receive(Handshake.byteCount) != nil else { throw Failure(step: "handshake", code: 0) }
    }

    /// The next message: its kind and payload; `nil` when the other side ended the connection.
    func message() throws -> (id: UInt8, payload: [UInt8])? {
        while true {
            guard let prefix = try receive(4) else { return nil }
            let length = prefix.reduce(0) { $0 << 8 | Int($1) }
            guard length > 0 else { continue }
            guard let body = try receive(length), let id = body.first else { return nil }
            return (id, Array(body.dropFirst()))
        }
    }

    /// The next request, everything else skipped.
    func request() throws -> BlockRequest? {
        while let (id, payload) = try message() {
            guard id == 6, payload.count == 12 else { continue }
            let numbers = stride(from: 0, to: 12, by: 4).map { start in
                payload[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            return BlockRequest(piece: numbers[0], begin: numbers[1], length: numbers[2])
        }
        return nil
    }

    /// Sends a block.
    func answer(_ request: BlockRequest, with bytes: [UInt8], withEnd: Bool = false) throws {
        var buffer = ByteBuffer()
        MessageEncoder.encodeBlockHeader(request, into: &buffer)
        buffer.writeBytes(bytes)
        try send(Array(buffer.readableBytesView), withEnd: withEnd)
    }

    /// Lets a moment pass between two looks.
    func pause() { usleep(10_000) }

    /// Reads on until the other side ends the connection.
    /// - Returns: whether it did before the socket's patience was over.
    func isDropped() -> Bool {
        do {
            while try receive(1) != nil {}
            return true
        } catch {
            return false
        }
    }
}

/// A listening socket on loopback, whose connections are spoken to by hand.
struct RawListener: ~Copyable {
    private let descriptor: Int32
    let address: PeerAddress

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw RawPeer.Failure(step: "socket", code: errno) }
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &own) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socket in
                bind(descriptor, socket, length) | listen(descriptor, 8) | getsockname(descriptor, socket, &length)
            }
        }
        guard result == 0, let host = IPAddress([127, 0, 0, 1]) else {
            throw RawPeer.Failure(step: "listen", code: errno)
        }
        address = PeerAddress(host: host, port: UInt16(bigEndian: own.sin_port))
    }

    deinit { close(descriptor) }

    /// Waits for a connection.
    func accept() throws -> RawPeer {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw RawPeer.Failure(step: "accept", code: errno) }
        return RawPeer(accepted: accepted)
    }
}

/// Many connections that never say a word.
struct RawCrowd: ~Copyable {
    private let descriptors: [Int32]

    init(_ address: PeerAddress, count: Int) throws {
        var descriptors: [Int32] = []
        for _ in 0..<count { descriptors.append(try RawPeer.connect(to: address)) }
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
