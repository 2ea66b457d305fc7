// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm

/// The promises every run must keep.
extension World {
    /// Nothing is announced or served that is not whole and right on disk.
    func checkServed(_ number: Int, _ connection: SimulatedConnection) {
        let host = hosts[connection.host]
        guard host.isHonest, let piece = scenario.geometry.piece(number) else { return }
        if !host.verified.contains(piece) || !host.holds(piece) {
            accuse(connection.host, connection, "piece \(piece) was served or announced unverified")
        }
    }

    /// Everything is within its bound, and the machines' books balance.
    func check(_ number: Int) {
        let limits = scenario.limits
        let host = hosts[number]
        let held = host.connections.values.reduce(0) { $0 + $1.rooms.count }
        if held > host.plan.rooms { accuse(number, "\(held) extents are in memory, \(host.plan.rooms) may be") }
        if host.connections.count > limits.connections + 16 {
            accuse(number, "there are \(host.connections.count) connections")
        }
        // Two reads of blocks, and the smaller messages of a connection at its busiest.
        let block = (PieceGeometry.blockLength + 600) * scenario.scale
        let longest = limits.readsInFlight * limits.blocksPerRead * block + (1 << 20)
        for connection in host.connections.values where connection.queuedBytes > longest {
            accuse(number, connection, "\(connection.queuedBytes) bytes wait to be sent")
        }
        guard scenario.audits else { return }
        for fault in host.swarm?.audit() ?? [] { accuse(number, "swarm: \(fault)") }
        for connection in host.connections.values {
            for fault in connection.session?.audit() ?? [] { accuse(number, connection, "session: \(fault)") }
        }
    }
}

// MARK: Words of the trace

extension BlockRequest {
    var word: String { "\(piece):\(begin / UInt32(PieceGeometry.blockLength))" }
}

extension Extent {
    var word: String { "\(piece).\(number)" }
}

extension Loan {
    var word: String { isWhole ? extent.word : "\(extent.word)[\(blockCount)]" }
}

extension HashRequest {
    var word: String { "\(baseLayer):\(index)+\(length)" }
}

extension PeerMessage {
    var word: String {
        switch self {
        case .have(let piece): "have \(piece)"
        case .request(let block): "request \(block.word)"
        case .cancel(let block): "cancel \(block.word)"
        case .rejectRequest(let block): "reject \(block.word)"
        case .bitfield(let bytes): "bitfield of \(bytes.count) bytes"
        case .extended(let id, let payload): "extended \(id) of \(payload.count) bytes"
        case .hashRequest(let request): "hash request \(request.word)"
        case .hashes(let request, let hashes): "hashes \(request.word) of \(hashes.count)"
        case .hashReject(let request): "hash reject \(request.word)"
        default: "\(self)"
        }
    }
}

extension SessionReport {
    var word: String {
        switch self {
        case .pieces(let pieces): "pieces \(pieces.count)"
        case .returned(let extents): "returned \(extents.map(\.word).joined(separator: ","))"
        case .filled(let extent): "filled \(extent.word)"
        case .leaves(let piece, _): "leaves \(piece)"
        default: "\(self)"
        }
    }
}

extension SessionCommand {
    var word: String {
        switch self {
        case .assign(let loans): "assign \(loans.map(\.word).joined(separator: ","))"
        case .cancel(let extent): "cancel \(extent.word)"
        case .store(let extent): "store \(extent.word)"
        case .have(let piece): "have \(piece)"
        default: "\(self)"
        }
    }
}
