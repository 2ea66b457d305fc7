// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import Foundation
import ImageStore
import Logging
import Metainfo
import NIOPosix
import PeerService
import TestSupport
import Testing
import TrackerProtocol

/// A real peer on a store of its own, which follows the orders of a played tracker.
final class OrderedHost {
    let folder: TemporaryDirectory
    let tracker: PlayedTracker
    private let threads: NIOThreadPool
    private var running: Peer?
    private var configure: (inout PeerConfiguration) -> Void

    var store: String { folder.path + "/store" }

    var peer: Peer {
        get throws { try #require(running) }
    }

    private init(_ tracker: PlayedTracker, _ configure: @escaping (inout PeerConfiguration) -> Void) throws {
        folder = try TemporaryDirectory()
        self.tracker = tracker
        self.configure = configure
        threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
    }

    /// Runs a test with a tracker that has base@1 and base@2, of which the host holds the first one, active.
    /// - Parameter activates: whether somebody has activated it.
    static func run(
        activates: Bool = true, configure: @escaping (inout PeerConfiguration) -> Void = { _ in },
        _ body: (OrderedHost) async throws -> Void
    ) async throws {
        let host = try OrderedHost(try await PlayedTracker(), configure)
        do {
            for version in 1...2 { try await host.publish(version) }
            try await host.start()
            try await host.fetch(1)
            if activates { try await host.activateByHand(1) }
            try await body(host)
        } catch {
            await host.end()
            throw error
        }
        await host.end()
    }

    func master(_ version: Int) throws -> MasterName { try #require(MasterName(name: "base", version: version)) }

    /// The peer begins, on what its store says.
    func start() async throws {
        var configuration = PeerConfiguration(
            store: store, listen: [try #require(PeerAddress(parsing: "127.0.0.1:0"))])
        configuration.orders = TrackerOrders(try #require(TrackerURL(tracker.url)), fleet: "test")
        configure(&configuration)
        let peer = Peer(
            host: try Host(root: store, create: true, threads: threads), configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await peer.start()
        running = peer
    }

    /// As somebody on the host does it.
    func fetch(_ version: Int) async throws {
        _ = try await peer.perform(
            .fetch(
                HostRequest.Fetch(
                    source: .catalogue(MasterReference(master(version))), rename: nil, trackers: [tracker.url],
                    clone: nil, count: nil, backend: "auto"))
        ) { _ in }
        try await eventually("base@\(version) is here") { try await self.masters().contains("base@\(version)") }
    }

    func activateByHand(_ version: Int) async throws {
        let wish = HostRequest.Activate(
            master: MasterReference(try master(version)), clearsDenial: false, unsigned: false)
        try await eventually("base@\(version) is active") {
            (try? await self.peer.perform(.activate(wish)) { _ in }) != nil
        }
    }

    func stop() async {
        await running?.stop()
        running = nil
    }

    private func end() async {
        await stop()
        await tracker.stop()
        try? await threads.shutdownGracefully()
    }

    func masters() async throws -> [String] {
        guard case .masters(let list) = try await peer.perform(.listMasters, progress: { _ in }) else { return [] }
        return list.map { "\($0.name)@\($0.version)" }
    }

    /// The version that new clones get by the bare name.
    func meant() async throws -> Int? {
        guard
            case .master(let report) = try await peer.perform(.showMaster(MasterReference("base")), progress: { _ in })
        else { return nil }
        return report.version
    }

    /// The version that the pointer names.
    func active() async throws -> Int? {
        guard case .active(let lines) = try await peer.perform(.listActive, progress: { _ in }) else { return nil }
        return lines.first { $0.name == "base" }?.active
    }

    func orders() async throws -> OrdersReport {
        guard case .orders(let report?) = try await peer.perform(.showOrders, progress: { _ in }) else {
            throw HostFailure(.failed, "no orders")
        }
        return report
    }

    /// Waits until the tracker was told this.
    func told(_ state: HostReport.State, of version: Int) async throws -> HostReport {
        try await eventually("the tracker hears \(state)") { [tracker] in
            tracker.report?.state == state && tracker.report?.master.version == version
        }
        return try #require(tracker.report)
    }

    func eventually(_ what: String, _ holds: () async throws -> Bool) async throws {
        let start = ContinuousClock.now
        while try await !holds() {
            guard start.duration(to: .now) < .seconds(60) else {
                throw HostFailure(.timedOut, "\(what): \(try await orders()) \(String(describing: tracker.report))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Puts a master of a few megabytes into the tracker's catalogue; other hosts need nothing but the tracker for it.
    func publish(_ version: Int, seed: UInt64? = nil) async throws {
        let maker = try Host(root: folder.path + "/maker", create: true, threads: threads)
        let image = try TestImage(size: 3 << 20, pieceLength: 1 << 18, seed: seed ?? UInt64(version))
        let source = folder.path + "/source.raw"
        try Data(image.bytes).write(to: URL(filePath: source))
        let reply = try await maker.perform(
            .createMaster(
                .init(
                    source: source, name: "base", version: version, label: nil, trackers: [],
                    webSeeds: ["\(tracker.url)/images/"], pieceLength: nil, hybrid: false, format: .raw,
                    isFormatStated: true)), progress: { _ in })
        guard case .master(let report) = reply else { throw HostFailure(.failed, "no master") }
        let torrent = [UInt8](try Data(contentsOf: URL(filePath: report.torrent)))
        tracker.change {
            $0.masters["base@\(version)"] = PlayedTracker.Master(
                published: PublishedMaster(
                    name: "base", version: version, label: nil, size: report.size, infoHashV1: nil,
                    infoHashV2: report.infoHashV2, published: "2026-01-31T12:00:00Z"),
                torrent: torrent, image: image.bytes)
        }
        try FileManager.default.removeItem(atPath: folder.path + "/maker")
    }
}
