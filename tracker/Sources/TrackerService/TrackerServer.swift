// SPDX-License-Identifier: Apache-2.0

import ConnectionGate
import FleetIdentity
package import FleetService
import FoundationEssentials
package import Hummingbird
package import Logging
import NIOCore
import NIOPosix
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
    private let reports: TransferBudget
    private let downloads: TransferBudget
    private let clock: @Sendable () -> Int64
    private let lag: (@Sendable () -> Duration)?
    private let fleet: Fleet?
    private let sessions = ConsoleSessions()
    private let audit: TrackerAudit

    /// Nothing listens yet.
    /// - Parameters:
    ///   - fleet: whose rollouts are run; there are none when `nil`.
    ///   - clock: seconds since 1970.
    ///   - lag: how far behind the tracker is with its work; `nil` to measure it.
    package init(
        configuration: TrackerConfiguration, storage: any StorageEngine, logger: Logger, fleet: Fleet? = nil,
        clock: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) },
        lag: (@Sendable () -> Duration)? = nil
    ) {
        self.clock = clock
        self.fleet = fleet
        self.lag = lag
        self.configuration = configuration
        self.storage = storage
        self.logger = logger
        audit = TrackerAudit(storage: storage, logger: logger)
        let requests = configuration.requests
        let openable = OpenFiles.connections(atMost: requests.connections)
        gate = ConnectionGate(limit: min(requests.waitingConnections, openable / 2))
        uploads = TransferBudget(
            limit: requests.transferByteCount,
            refusal: "The tracker is taking other torrents; publish again in a moment.")
        reports = TransferBudget(
            limit: requests.transferByteCount, refusal: "The tracker is taking other reports; say it again in a moment."
        )
        downloads = TransferBudget(
            limit: requests.transferByteCount, refusal: "The tracker is busy sending; ask again in a moment.")
        swarms = LiveSwarms(limits: configuration.swarms)
    }

    /// Listens and serves until the process is told to stop by SIGTERM or SIGINT, or the surrounding task is cancelled;
    /// then finishes the requests at hand, for ten seconds at most.
    /// - Parameters:
    ///   - signals: whether to stop on SIGTERM and SIGINT.
    ///   - onListening: called once per listener with the address and the actual port.
    ///   - onListeningToAnnounces: the same for those that take announces without TLS.
    ///   - onListeningToDatagrams: the same for those of UDP.
    package func run(
        signals: Bool = true, onListening: @escaping @Sendable (PeerAddress) -> Void,
        onListeningToAnnounces: @escaping @Sendable (PeerAddress) -> Void = { _ in },
        onListeningToDatagrams: @escaping @Sendable (PeerAddress) -> Void = { _ in }
    ) async throws(TrackerError) {
        let lag = LagWatch(MultiThreadedEventLoopGroup.singleton)
        let desk = AnnounceDesk(swarms: swarms)
        let measured = self.lag ?? { lag.current }
        var listeners: [RequestServer] = []
        if !configuration.listen.isEmpty {
            let responder = router(lag: measured).buildResponder()
            let tls = try configuration.certificate.map { certificate throws(TrackerError) in
                try TrackerTLS(certificate, authority: configuration.authority, clock: clock, logger: logger)
            }
            for address in configuration.listen {
                listeners.append(
                    RequestServer(
                        listener: try RequestListener(
                            address: address, desk: desk, isTLS: tls != nil, lag: self.lag,
                            limits: configuration.requests),
                        tls: tls, responder: responder, gate: gate, limits: configuration.requests, logger: logger,
                        onListening: onListening))
            }
        }
        if !configuration.plainAnnounces.isEmpty {
            let responder = announceRouter(lag: measured).buildResponder()
            for address in configuration.plainAnnounces {
                listeners.append(
                    RequestServer(
                        listener: try RequestListener(
                            address: address, desk: desk, lag: self.lag, limits: configuration.requests),
                        responder: responder, gate: gate, limits: configuration.requests, logger: logger,
                        onListening: onListeningToAnnounces))
            }
        }
        var datagrams: [DatagramListener] = []
        for address in configuration.datagrams {
            datagrams.append(
                try DatagramListener(address: address, swarms: swarms, onListening: onListeningToDatagrams))
        }
        var group = ServiceGroupConfiguration(
            services: [lag] + listeners + datagrams + [rollouts].compactMap { $0 } as [any Service],
            gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger)
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

    /// The tracker's answers without its listeners, for those who bring their own way of running it.
    package var application: some ApplicationProtocol {
        Application(responder: router(lag: lag ?? { .zero }).buildResponder(), logger: logger)
    }

    /// Lets time pass for rollouts, when there is a fleet.
    private var rollouts: (any Service)? { fleet.map { Rollouts(fleet: $0, logger: logger) } }

    private struct Rollouts: Service {
        let fleet: Fleet
        let logger: Logger

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await fleet.run { logger.error("rollouts do not go on", metadata: ["error": "\($0)"]) }
            }
        }
    }

    /// Every route there is, with its policy.
    package var routes: [RouteTable.Route] {
        table(on: Router(context: TrackerContext.self), lag: { .zero }).routes
    }

    private func router(lag: @escaping @Sendable () -> Duration) -> Router<TrackerContext> {
        let router = Router(context: TrackerContext.self)
        let table = table(on: router, lag: lag)
        router.add(middleware: APIErrorMiddleware(routes: table.routes))
        return router
    }

    /// What there is where announces alone are taken.
    private func announceRouter(lag: @escaping @Sendable () -> Duration) -> Router<TrackerContext> {
        let router = Router(context: TrackerContext.self)
        var table = RouteTable(router: router, gatekeeper: gatekeeper)
        AnnounceRoutes(desk: AnnounceDesk(swarms: swarms), lag: lag).add(to: &table)
        HealthRoutes(swarms: swarms, storage: storage).add(to: &table)
        router.add(middleware: APIErrorMiddleware(routes: table.routes))
        router.add(middleware: AnnouncesOnly())
        return router
    }

    private var gatekeeper: Gatekeeper {
        Gatekeeper(
            access: configuration.access, storage: storage,
            hosts: configuration.authority.map { EnrolledHosts(storage: storage, anchor: $0.anchor) },
            audit: audit, answers: downloads, door: door, clock: clock)
    }

    private var door: ConsoleDoor { ConsoleDoor(sessions: sessions, isTLS: configuration.certificate != nil) }

    /// One line per room. Rooms know nothing of each other.
    private func table(on router: Router<TrackerContext>, lag: @escaping @Sendable () -> Duration) -> RouteTable {
        var table = RouteTable(router: router, gatekeeper: gatekeeper)
        AnnounceRoutes(desk: AnnounceDesk(swarms: swarms), lag: lag).add(to: &table)
        HealthRoutes(swarms: swarms, storage: storage).add(to: &table)
        MetricsRoutes(
            metrics: TrackerMetrics(
                swarms: swarms, fleet: fleet, audit: audit, certificates: configuration.ends, lag: lag)
        ).add(to: &table)
        CatalogueRoutes(
            storage: storage, limits: configuration.requests, uploads: uploads
        ).add(to: &table)
        DescriptionRoutes(
            description: APIDescription(
                access: configuration.access, hasFleet: fleet != nil, hasAuthority: configuration.authority != nil)
        ).add(to: &table)
        SignedRoutes(storage: storage, root: configuration.trustRoot).add(to: &table)
        TokenRoutes(storage: storage, clock: clock).add(to: &table)
        AuditRoutes(storage: storage).add(to: &table)
        EpochRoutes(storage: storage).add(to: &table)
        if let fleet {
            FleetRoutes(fleet: fleet, reports: reports).add(to: &table)
            RosterRoutes(fleet: fleet).add(to: &table)
            RolloutRoutes(fleet: fleet, onceOnly: OnceOnly(storage: storage, clock: clock)).add(to: &table)
            let (watching, looking) = (configuration.requests.eventStreams, configuration.requests.consoleStreams)
            EventRoutes(fleet: fleet, limits: configuration.requests, places: WatcherPlaces(limit: watching))
                .add(to: &table)
            let look = SharedLook(fleet)
            ConsoleRoutes(
                fleet: fleet, storage: storage,
                overview: OverviewDesk(
                    fleet: fleet, look: look, swarms: swarms, storage: storage, audit: audit,
                    certificates: configuration.ends,
                    hasRoot: configuration.trustRoot != nil, lag: lag, clock: clock),
                look: look, anchor: configuration.authority?.anchor, door: door, limits: configuration.requests,
                clock: clock, places: WatcherPlaces(limit: looking)
            ).add(to: &table)
        }
        if let authority = configuration.authority {
            EnrolmentRoutes(storage: storage, authority: authority).add(to: &table)
        }
        return table
    }
}
