// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm

extension ScriptedHost {
    /// Does what the script says next.
    func step(_ script: inout Script) throws {
        let what = script.byte()
        // Some steps are about a connection, which the step's upper bits choose.
        let connection = connections.isEmpty ? nil : connections[Int(what >> 5) % connections.count]
        switch what % 16 {
        case 0: try connect(&script)
        case 1: try connection?.receive(message(&script))
        case 2: try connection?.receive(Array(script.take(script.number(below: 64))))
        case 3: try connection?.answerRequests(script.number(below: 72), isRight: what & 0x10 == 0, &script)
        case 4: try connection?.rejectRequest(at: script.number(below: 8))
        case 5: try connection?.deliverReports(script.number(below: 4) + 1)
        case 6: try connection?.deliverCommands(script.number(below: 4) + 1)
        case 7: try connection?.grantRoom()
        case 8: try finishWrite()
        case 9: try connection?.finishReads()
        case 10: try pass(.milliseconds(500 * (Int(script.byte() & 0x3f) + 1)))
        case 11: try connection?.answerHashRequest(how: script.number(below: 4))
        case 12 where what & 0x10 == 0: try connection?.close()
        case 12: try hear(&script)
        case 13: try connection?.receive(.unchoke)
        case 14: try connection?.receive(what & 0x10 == 0 ? .haveAll : .interested)
        default: try settle()
        }
        try audit()
    }

    /// Time goes by, and everybody is told.
    private func pass(_ time: Duration) throws {
        now += time
        for connection in connections { try connection.act { $0.tick(at: $1) } }
        try tick()
    }

    /// Everything that is on its way arrives.
    private func settle() throws {
        for _ in 0..<4 {
            for connection in connections {
                try connection.deliverReports(.max)
                try connection.deliverCommands(.max)
                try connection.grantRoom()
            }
            while hasWrites { try finishWrite() }
        }
    }

    /// A message with numbers that are mostly those of the image, or nearly.
    private func message(_ script: inout Script) -> PeerMessage {
        let kind = script.byte()
        let piece = UInt32(script.number(below: image.geometry.pieceCount + 1))
        func block(_ script: inout Script) -> BlockRequest {
            let shape = script.byte()
            let begin = UInt32(script.byte()) * UInt32(PieceGeometry.blockLength)
            let length: UInt32 = shape & 1 == 0 ? UInt32(PieceGeometry.blockLength) : script.integer()
            return BlockRequest(piece: piece, begin: shape & 2 == 0 ? begin : script.integer(), length: length)
        }
        switch kind % 16 {
        case 0: return .choke
        case 1: return .unchoke
        case 2: return .interested
        case 3: return .notInterested
        case 4, 5: return .have(piece)
        case 6: return .bitfield(Array(script.take((image.geometry.pieceCount + 7) / 8)))
        case 7, 8: return .request(block(&script))
        case 9: return .cancel(block(&script))
        case 10: return .rejectRequest(block(&script))
        case 11: return .haveNone
        case 12: return .extended(id: script.byte() % 4, payload: Array(script.take(script.number(below: 48))))
        case 13: return .hashRequest(hashRequest(&script))
        case 14: return .hashReject(hashRequest(&script))
        default: return .extended(id: 1, payload: [0, 0, 0, UInt8(piece)])
        }
    }

    private func hashRequest(_ script: inout Script) -> HashRequest {
        HashRequest(
            piecesRoot: image.metainfo.piecesRoot, baseLayer: UInt32(script.number(below: 12)),
            index: UInt32(script.byte()), length: 1 << UInt32(script.number(below: 10)),
            proofLayers: UInt32(script.number(below: 12)))
    }
}
