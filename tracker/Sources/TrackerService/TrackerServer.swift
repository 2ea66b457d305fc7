// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import FoundationEssentials
import Glibc
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import OperatorAccess
import ServiceLifecycle
package import TrackerProtocol
package import TrackerStorage
import UnixSignals

/// A running tracker: its rooms behind as many listeners as the operator named.
package struct TrackerServer: Sendable {
    private let configuration: TrackerConfiguration
    private let logger: Logger
    private let swarms: LiveSwarms
    private let storage: any StorageEngine
    private let gate: ConnectionGate
    private let uploads: TransferBudget
    private let downloads: TransferBudget
    private let clock: @Sendable () -> Int64

    /// Nothing listens yet.
    /// - Parameter clock: seconds since 1970.
    package init(
        configuration: TrackerConfiguration, storage: any StorageEngine, logger: Logger,
        clock: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
    ) {
        self.clock = clock
        self.configuration = configuration
        self.storage = storage
        self.logger = logger
        let requests = configuration.requests
        let openable = OpenFiles.connections(atMost: requests.connections)
        gate = ConnectionGate(limit: min(requests.waitingConnections, openable / 2))
        uploads = TransferBudget(
            limit: requests.transferByteCount,
            refusal: "The tracker is taking other torrents; publish again in a moment.")
        downloads = TransferBudget(
            limit: requests.transferByteCount, refusal: "The tracker is busy sending; ask again in a moment.")
        swarms = LiveSwarms(limits: configuration.swarms)
    }

    /// Listens and serves until the process is told to stop by SIGTERM or SIGINT, or the surrounding task is cancelled;
    /// then finishes the requests at hand, for ten seconds at most.
    /// - Parameters:
    ///   - signals: whether to stop on SIGTERM and SIGINT.
    ///   - onListening: called once per listener with the address and the actual port.
    package func run(
        signals: Bool = true, onListening: @escaping @Sendable (PeerAddress) -> Void
    ) async throws(TrackerError) {
        let responder = router.buildResponder()
        let listeners = configuration.listen.map { address in
            Listener(
                address: address,
                application: application(address: address, responder: responder, onListening: onListening))
        }
        var group = ServiceGroupConfiguration(
            services: listeners, gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as TrackerError {
            throw error
        } catch is CancellationError {
            return
        } catch {
            throw .stopped(reason: "\(error)")
        }
    }

    /// The tracker on one listener, for those who bring their own way of running it.
    package func application(
        address: PeerAddress, onListening: @escaping @Sendable (PeerAddress) -> Void = { _ in }
    ) -> some ApplicationProtocol {
        application(address: address, responder: router.buildResponder(), onListening: onListening)
    }

    /// Every route there is, with its policy.
    package var routes: [RouteTable.Route] { table(on: Router(context: TrackerContext.self)).routes }

    private var router: Router<TrackerContext> {
        let router = Router(context: TrackerContext.self)
        router.add(middleware: APIErrorMiddleware())
        _ = table(on: router)
        return router
    }

    /// One line per room. Later rooms (the console) are added here and know nothing of each other.
    private func table(on router: Router<TrackerContext>) -> RouteTable {
        let gatekeeper = Gatekeeper(
            access: configuration.access, storage: storage, audit: TrackerAudit(storage: storage, logger: logger),
            clock: clock)
        var table = RouteTable(router: router, gatekeeper: gatekeeper)
        AnnounceRoutes(swarms: swarms).add(to: &table)
        HealthRoutes(swarms: swarms, storage: storage).add(to: &table)
        CatalogueRoutes(
            storage: storage, limits: configuration.requests, uploads: uploads, downloads: downloads
        ).add(to: &table)
        SignedRoutes(storage: storage, root: configuration.trustRoot).add(to: &table)
        TokenRoutes(storage: storage, clock: clock).add(to: &table)
        AuditRoutes(storage: storage).add(to: &table)
        EpochRoutes(storage: storage).add(to: &table)
        return table
    }

    private func application(
        address: PeerAddress, responder: RouterResponder<TrackerContext>,
        onListening: @escaping @Sendable (PeerAddress) -> Void
    ) -> Application<RouterResponder<TrackerContext>> {
        let limits = configuration.requests
        let heads = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headerFieldByteCount, maxHeaderListSize: limits.headerByteCount,
            maxHeaderFieldCount: limits.headerFieldCount)
        return Application(
            responder: responder,
            server: GatedChannel.server(
                gate: gate, patience: .seconds(limits.idleSeconds), answersMustBeRead: true, limits: heads),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host.description, port: Int(address.port)), backlog: 1024,
                availableConnectionsDelegate: .maximum(
                    OpenFiles.connections(atMost: limits.connections), logger: logger)),
            onServerRunning: { channel in
                onListening(channel.localAddress.flatMap { PeerAddress($0) } ?? address)
            },
            logger: logger)
    }

    /// Runs one listener and tells its failures in this module's terms.
    private struct Listener: Service {
        let address: PeerAddress
        let application: Application<RouterResponder<TrackerContext>>

        func run() async throws {
            do {
                try await application.run()
            } catch let error as IOError {
                throw Self.describe(error, address)
            }
        }

        private static func describe(_ error: IOError, _ address: PeerAddress) -> TrackerError {
            switch error.errnoCode {
            case EADDRINUSE: .addressInUse(address)
            case EADDRNOTAVAIL: .addressNotAvailable(address)
            case EACCES, EPERM: .listenNotPermitted(address)
            default: .cannotListen(address, reason: String(cString: strerror(error.errnoCode)))
            }
        }
    }
}
