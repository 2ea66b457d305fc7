// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import TrackerProtocol

/// A UDP socket that takes and sends datagrams in batches, in memory that is taken once: nothing is allocated for a datagram,
/// and a system call serves many. One thread at a time may use it.
///
/// SwiftNIO's channel does the same with an allocation or several for each datagram, which at the rates of a tracker is most
/// of the work.
// Its memory belongs to it alone and is shared with the kernel within calls only; one thread at a time may use it.
struct DatagramSocket: ~Copyable, @unchecked Sendable {
    /// The most datagrams in a batch.
    static let batchCount = 64
    /// Bytes that the kernel is asked to keep for datagrams that wait: some 10,000 announces at once.
    private static let waitingByteCount: Int32 = 8 << 20
    /// One byte more than the longest request, so that a longer one is told by its length.
    private static let receiveByteCount = DatagramRequest.maximumByteCount + 1
    private static let sendByteCount = DatagramResponse.maximumAnswerByteCount

    private let socket: Int32
    /// Where it listens, with the actual port.
    let address: PeerAddress
    // Set up once; headers point to addresses and vectors, and vectors to bytes.
    private let received = UnsafeMutableBufferPointer<datagram_slot>.allocate(capacity: batchCount)
    private let sent = UnsafeMutableBufferPointer<datagram_slot>.allocate(capacity: batchCount)
    private let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 2 * batchCount)
    private let addresses = UnsafeMutableBufferPointer<sockaddr_in6>.allocate(capacity: batchCount)
    private let controls = UnsafeMutableBufferPointer<datagram_control>.allocate(capacity: batchCount)
    private let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: batchCount * (receiveByteCount + sendByteCount), alignment: 16)

    /// Opens the socket; `[::]` takes IPv4 datagrams too.
    /// - Throws: ``TrackerError`` when the address cannot be had.
    init(listeningOn address: PeerAddress) throws(TrackerError) {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        socket = Glibc.socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .noDatagrams(address, reason: String(cString: strerror(errno))) }
        var count = Self.waitingByteCount
        // As much as the system allows to this process.
        _ = setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<Int32>.size))
        if address.host.words == (0, 0) {
            // A host has several addresses, and a client takes no answer that comes from another one than it asked.
            var one: Int32 = 1
            let (level, option) = address.isIPv6 ? (IPPROTO_IPV6, IPV6_RECVPKTINFO) : (IPPROTO_IP, IP_PKTINFO)
            _ = setsockopt(socket, Int32(level), option, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        guard SocketName.bind(socket, to: address), let own = SocketName.address(of: socket) else {
            let reason = String(cString: strerror(errno))
            close(socket)
            throw .noDatagrams(address, reason: reason)
        }
        self.address = own
        sent.initialize(repeating: datagram_slot())
        received.initialize(repeating: datagram_slot())
        addresses.initialize(repeating: sockaddr_in6())
        controls.initialize(repeating: datagram_control())
        vectors.initialize(repeating: iovec())
        for slot in 0..<Self.batchCount {
            let base = bytes.baseAddress.map { $0 + slot * (Self.receiveByteCount + Self.sendByteCount) }
            vectors[2 * slot] = iovec(iov_base: base, iov_len: Self.receiveByteCount)
            vectors[2 * slot + 1] = iovec(iov_base: base.map { $0 + Self.receiveByteCount }, iov_len: 0)
            received[slot].header.msg_iov = vectors.baseAddress.map { $0 + 2 * slot }
            received[slot].header.msg_iovlen = 1
            received[slot].header.msg_name = addresses.baseAddress.map { UnsafeMutableRawPointer($0 + slot) }
        }
    }

    deinit {
        close(socket)
        received.deallocate()
        sent.deallocate()
        vectors.deallocate()
        addresses.deallocate()
        controls.deallocate()
        bytes.deallocate()
    }

    /// Takes the datagrams that wait, and waits for one when there is none.
    /// - Returns: how many there are; what they are says nothing after ``end()``.
    func receive() -> Int {
        for slot in 0..<Self.batchCount {
            received[slot].header.msg_namelen = SocketName.byteCount
            received[slot].header.msg_control = controls.baseAddress.map { UnsafeMutableRawPointer($0 + slot) }
            received[slot].header.msg_controllen = MemoryLayout<datagram_control>.size
        }
        // An error of the network that an earlier answer met is told here; it says nothing of the next datagram.
        return max(0, Int(recvmmsg(socket, received.baseAddress, UInt32(Self.batchCount), datagrams_wait_for_one, nil)))
    }

    /// Wakes whoever waits in ``receive()``, now and from now on. Any thread may call it.
    func end() {
        // It fails, since a socket of datagrams has nobody at its other end, and does that much nevertheless.
        _ = shutdown(socket, Int32(SHUT_RD))
    }

    /// Has the datagrams answered that were taken last; ``send(_:)`` sends the answers.
    /// - Parameter body: called with each datagram, the address it came from and the place for the answer; returns how many
    ///   bytes the answer has, 0 for none.
    /// - Returns: how many answers there are.
    func answer(_ count: Int, _ body: (RawSpan, IPAddress, inout MutableRawSpan) -> Int) -> Int {
        var answers = 0
        for slot in 0..<min(count, Self.batchCount) {
            guard let host = SocketName.host(addresses[slot])?.unmapped else { continue }
            let start = slot * (Self.receiveByteCount + Self.sendByteCount)
            let request = UnsafeRawBufferPointer(
                rebasing: bytes[start..<start + min(Int(received[slot].byte_count), Self.receiveByteCount)])
            let room = UnsafeMutableRawBufferPointer(
                rebasing: bytes[start + Self.receiveByteCount..<start + Self.receiveByteCount + Self.sendByteCount])
            var answer = room.mutableBytes
            let byteCount = body(request.bytes, host, &answer)
            guard byteCount > 0 else { continue }
            vectors[2 * slot + 1].iov_len = byteCount
            sent[answers].header = received[slot].header
            sent[answers].header.msg_iov = vectors.baseAddress.map { $0 + 2 * slot + 1 }
            datagram_keep_source(&sent[answers].header)
            answers += 1
        }
        return answers
    }

    /// Sends the answers made last.
    func send(_ count: Int) {
        var done = 0
        while done < count {
            let some = sendmmsg(
                socket, sent.baseAddress.map { $0 + done }, UInt32(count - done), Int32(MSG_DONTWAIT))
            // An answer that cannot be sent is lost, as it might be on its way; the next ones may go elsewhere.
            done += some > 0 ? Int(some) : 1
        }
    }

    /// Whether so many datagrams wait that the kernel is half way to dropping what comes.
    var isBehind: Bool {
        // What the kernel's sock_diag calls it: bytes that wait first, then how many may.
        var memory = [UInt32](repeating: 0, count: 9)
        var count = socklen_t(memory.count * 4)
        guard getsockopt(socket, SOL_SOCKET, SO_MEMINFO, &memory, &count) == 0, count >= 8 else { return false }
        return memory[0] > memory[1] / 2
    }
}
