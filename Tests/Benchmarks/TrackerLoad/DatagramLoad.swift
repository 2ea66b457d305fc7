// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import TrackerProtocol

/// Announces over UDP, a window of them under way.
struct DatagramLoad {
    struct Result {
        var answers = 0
        var lost = 0
        var seconds = 0.0
    }

    private static let slotByteCount = 2048
    private let socket: Int32
    private let window: Int
    private let isIPv6: Bool
    private var connection: UInt64 = 0

    /// Asks for a connection id.
    init(_ address: PeerAddress, window: Int) throws {
        self.window = window
        isIPv6 = address.isIPv6
        socket = try LoadSocket.connected(to: address, kind: Int32(SOCK_DGRAM.rawValue))
        var size: Int32 = 8 << 20
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
        let request = DatagramRequest.connect(transaction: 1).encoded
        guard send(socket, request, request.count, 0) == request.count, isReadable(after: 2000) else {
            throw LoadError("the tracker at \(address) does not answer over UDP")
        }
        var bytes = [UInt8](repeating: 0, count: Self.slotByteCount)
        let count = recv(socket, &bytes, bytes.count, 0)
        guard count > 0, case .connect(1, let id) = DatagramResponse(Array(bytes.prefix(count)), isIPv6: isIPv6) else {
            throw LoadError("the tracker at \(address) gives no connection id")
        }
        connection = id
    }

    private func isReadable(after milliseconds: Int32) -> Bool {
        var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, milliseconds) > 0
    }

    /// Announces until the time is over.
    mutating func run(_ crowd: Crowd, seconds: Int) throws -> Result {
        let batch = min(64, window)
        // Each peer's announces are made beforehand: the first, and the one that it repeats.
        let datagrams = try (0..<2 * crowd.peers).map { number in
            DatagramRequest.announce(
                try crowd.announce(number), connection: connection, transaction: UInt32(number), key: 0
            ).encoded
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: batch * Self.slotByteCount, alignment: 16)
        let all = UnsafeMutableRawBufferPointer.allocate(byteCount: datagrams.count * 98, alignment: 16)
        let slots = UnsafeMutableBufferPointer<datagram_slot>.allocate(capacity: batch)
        let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: batch)
        defer {
            memory.deallocate()
            all.deallocate()
            slots.deallocate()
            vectors.deallocate()
        }
        for (number, datagram) in datagrams.enumerated() {
            all[number * 98..<number * 98 + 98].copyBytes(from: datagram)
        }
        vectors.initialize(repeating: iovec())
        slots.initialize(repeating: datagram_slot())
        for number in 0..<batch {
            slots[number].header.msg_iov = vectors.baseAddress.map { $0 + number }
            slots[number].header.msg_iovlen = 1
        }
        var result = Result()
        var next = 0
        var underWay = 0
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        while ContinuousClock.now < end {
            while underWay < window {
                let count = min(batch, window - underWay)
                for slot in 0..<count {
                    let number =
                        (next + slot) < datagrams.count ? next + slot : crowd.peers + (next + slot) % crowd.peers
                    vectors[slot] = iovec(iov_base: all.baseAddress.map { $0 + number * 98 }, iov_len: 98)
                }
                let sent = Int(sendmmsg(socket, slots.baseAddress, UInt32(count), 0))
                guard sent > 0 else { break }
                underWay += sent
                next += sent
            }
            guard isReadable(after: 200) else {
                result.lost += underWay
                underWay = 0
                continue
            }
            for slot in 0..<batch {
                vectors[slot] = iovec(
                    iov_base: memory.baseAddress.map { $0 + slot * Self.slotByteCount }, iov_len: Self.slotByteCount)
            }
            let count = Int(recvmmsg(socket, slots.baseAddress, UInt32(batch), Int32(MSG_DONTWAIT), nil))
            guard count > 0 else { continue }
            for slot in 0..<count where memory[slot * Self.slotByteCount + 3] != 1 {
                throw LoadError(
                    "the tracker refuses: \(String(cString: Array(memory[slot * Self.slotByteCount + 8..<slot * Self.slotByteCount + 60]) + [0]))"
                )
            }
            result.answers += count
            underWay = max(0, underWay - count)
        }
        result.seconds = Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1e9
        return result
    }
}
