// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import Metainfo
package import PeerProtocol

/// The answering half of BEP 52's hash messages. Leaves are not kept, so that an answer may cost the reading of a whole
/// piece: requests wait for each other, and each peer has an allowance.
struct HashServing: Sendable {
    var queue: Deque<HashRequest> = []
    /// Whether an answer is being made.
    var isAnswering = false
    /// What may still be asked for, in blocks read; negative after a request that cost more than there was.
    var allowance: Int

    init(limits: SwarmLimits) { allowance = limits.hashAllowance }
}

extension PeerSession {
    mutating func hashesRequested(_ request: HashRequest) -> [Effect] {
        guard speaksV2, request.piecesRoot == metainfo.piecesRoot,
            let range = request.range(in: geometry), range.piece.map({ upload.have.contains($0) }) ?? true,
            hashing.queue.count < limits.queuedHashRequests, hashing.allowance > 0
        else { return [.send(.hashReject(request))] }
        // The bytes of an answer cost something as well: 512 hashes are as long as a block.
        let blocks = range.piece.map { geometry.blockCount(of: $0) } ?? 0
        hashing.allowance -= blocks + 1 + range.count * SHA256Digest.byteCount / PieceGeometry.blockLength
        guard !hashing.isAnswering else {
            hashing.queue.append(request)
            return []
        }
        hashing.isAnswering = true
        return [.serveHashes(request)]
    }

    /// An answer to ``Effect/serveHashes(_:)`` was made, or could not be.
    package mutating func hashesMade(_ request: HashRequest, _ hashes: [SHA256Digest]?) -> [Effect] {
        let answer = hashes.map { PeerMessage.hashes(request, $0) } ?? .hashReject(request)
        guard let next = hashing.queue.popFirst() else {
            hashing.isAnswering = false
            return [.send(answer)]
        }
        return [.send(answer), .serveHashes(next)]
    }

    mutating func renewHashAllowance() {
        hashing.allowance = min(limits.hashAllowance, hashing.allowance + limits.hashAllowancePerTick)
    }
}

extension HashRequest {
    /// What is asked for, when the image's tree has it; see ``MerkleRange``.
    package func range(in geometry: PieceGeometry) -> MerkleRange? {
        MerkleRange(
            geometry: geometry, layer: baseLayer, first: index, count: length, proofLayers: proofLayers)
    }
}
