// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerTransport
import Swarm
import TrackerProtocol

/// Completes a .torrent that lacks its piece layer, with what the peers of its swarm say and can prove.
struct PieceLayerFetch: Sendable {
    /// How long to look for peers that have the layer.
    private static let patience = Duration.seconds(60)
    /// Peers asked at most.
    private static let peerLimit = 64
    private static let pause = Duration.seconds(3)

    let missing: MissingPieceLayer
    let trackers: [TrackerURL]
    let client: TrackerClient
    let network: PeerNetwork
    let progress: @Sendable (HostProgress) -> Void

    /// - Returns: the torrent with its piece layer.
    /// - Throws: ``HostFailure`` when no peer gives it in time.
    func run() async throws -> [UInt8] {
        var inquiry = LayerInquiry(missing)
        var asked: Set<PeerAddress> = []
        var reason: String?
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline, !trackers.isEmpty {
            progress(
                HostProgress(
                    phase: "asking for the piece layer", done: Int64(inquiry.provenCount),
                    total: Int64(missing.geometry.pieceCount)))
            for tracker in trackers {
                do {
                    for address in try await peers(tracker) where asked.count < Self.peerLimit {
                        guard asked.insert(address).inserted else { continue }
                        inquiry = await PieceLayerClient(missing, network: network).ask(address, inquiry)
                        if let layer = inquiry.layer { return missing.torrent(with: layer) }
                    }
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    reason = HostFailure(error).message
                }
            }
            try await Task.sleep(for: Self.pause)
        }
        throw HostFailure(
            .failed,
            "the .torrent lacks its piece layer, and none of \(asked.count) peers gave it"
                + (reason.map { " (\($0))" } ?? "") + "; use a .torrent with its piece layers, or name a tracker whose "
                + "peers have the image")
    }

    private func peers(_ tracker: TrackerURL) async throws -> [PeerAddress] {
        let request = AnnounceRequest(
            infoHash: missing.infoHash, peerID: network.peerID, port: network.listenPort ?? 0,
            left: missing.geometry.size, event: nil)
        return try await client.announce(request, to: tracker).peers
    }
}
