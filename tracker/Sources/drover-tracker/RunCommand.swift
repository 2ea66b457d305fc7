// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AuditTrail
import FoundationEssentials
import Glibc
import Logging
import Supervision
import Synchronization
import OperatorAccess
import SqliteStorage
import TrackerProtocol
import FleetService
import TrackerService
import TrackerStorage
import Trust

/// `drover-tracker run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the tracker until SIGTERM or Ctrl-C.",
        discussion: """
            Which peers are in which swarm is kept in memory: after a restart, peers announce again within seconds. \
            Published masters are kept in the database.

            EXAMPLES
              One machine:     drover-tracker run --database tracker.sqlite
              A whole network: drover-tracker run --listen 0.0.0.0:6969 --database /var/lib/drover/tracker.sqlite
              IPv4 and IPv6:   drover-tracker run --listen '[::]:6969' --database tracker.sqlite
              HTTP only:       drover-tracker run --udp off --database tracker.sqlite
              A fleet:         drover-tracker run --fleet --authority /var/lib/drover/fleet --tls \
                                 --listen 0.0.0.0:6970 --plain-announce 0.0.0.0:6969 --database tracker.sqlite

            Give peers the announce URL that is printed at the start, as --tracker. Without --fleet, whoever can reach the \
            tracker can publish and read the catalogue, so listen only where that is fine. With --fleet all but health and \
            announces needs a token, or the certificate of an enrolled host, which only --tls can ask for; the first start \
            prints a one-time token and keeps it in FILE.admin-token. See docs/operating/operators.md.

            EXIT CODES
              0 stopped as told, 1 cannot run, 2 wrong command line, 5 another tracker runs on the database.
            """)

    @Option(
        help: ArgumentHelp(
            "Where to listen: an IPv4 or IPv6 address and a port, such as 0.0.0.0:6969 or '[::1]:6969'. Repeat it to "
                + "listen in several places. Port 0 takes any free port. (default: 127.0.0.1:6969)",
            valueName: "address:port"),
        transform: { text in
            guard let address = PeerAddress(parsing: text) else {
                throw ValidationError(
                    "'\(text)' is not a literal address with a port; write it like 127.0.0.1:6969 or [::1]:6969.")
            }
            return address
        })
    var listen: [PeerAddress] = []

    @Option(
        help: ArgumentHelp(
            "Where to take announces over UDP: an address and a port, or off. Repeat it for several places. (default: "
                + "where announces are taken without TLS)",
            valueName: "address:port"),
        transform: DatagramOption.init)
    var udp: [DatagramOption] = []

    @Option(
        name: .customLong("plain-announce"),
        help: ArgumentHelp(
            "Where to take announces and scrapes without TLS besides, and nothing else: an address and a port. Repeat it "
                + "for several places.",
            valueName: "address:port"),
        transform: { text in
            guard let address = PeerAddress(parsing: text) else {
                throw ValidationError(
                    "'\(text)' is not a literal address with a port; write it like 0.0.0.0:6969 or [::]:6969.")
            }
            return address
        })
    var plainAnnounces: [PeerAddress] = []

    @OptionGroup var tls: TLSOptions

    @Option(
        help: ArgumentHelp(
            "The SQLite file that keeps published masters. It is made if it is not there; its folder must exist.",
            valueName: "file"))
    var database: String

    @Option(
        name: .customLong("trust-root"),
        help: ArgumentHelp(
            "A trust root (see `drover trust create`): signed statements and pointers are taken only when enough of its "
                + "publishers have signed them. Without it any are taken, and hosts judge.",
            valueName: "file"))
    var trustRoot: String?

    @Flag(help: "Let in only operators with tokens and enrolled hosts, except for announces and scrapes.")
    var fleet = false

    @Option(
        help: ArgumentHelp(
            "The folder of the fleet's authority (see `drover-tracker fleet create`): hosts with a token get their "
                + "certificates here, and renew them.", valueName: "dir"))
    var authority: String?

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = ServiceLog.handler(label: label)
            handler.logLevel = .warning
            return handler
        }
        OpenFiles.raiseLimit()
        let plan = try self.plan
        var configuration = TrackerConfiguration(listen: plan.listen, datagrams: plan.datagrams)
        configuration.plainAnnounces = plan.plainAnnounces
        configuration.trustRoot = try trustRoot.map(Self.readRoot)
        configuration.authority = try authority.map { try TrackerFailure.wrapping($0, FleetFolder.open) }
        configuration.access = fleet ? .fleet : .open
        configuration.certificate = try tls.certificate(
            listen: plan.listen, hostName: Self.hostName, hasAuthority: authority != nil)
        let lock = try DatabaseLock(of: database)
        defer { withExtendedLifetime(lock) {} }
        let epoch: Epoch
        let storage: SqliteStorage
        do throws(StorageError) {
            storage = try SqliteStorage(path: database)
            epoch = try await begin(storage)
        } catch {
            throw TrackerFailure(message: error.description)
        }
        var rollouts: Fleet?
        if fleet {
            try await letFirstAdminIn(storage)
            do {
                rollouts = try await Fleet.open(storage, epoch: epoch, root: configuration.trustRoot) {
                    Int64(Date.now.timeIntervalSince1970 * 1000)
                }
            } catch {
                throw TrackerFailure(message: "\(error)")
            }
        }
        // A service is up when all that it was told to listen to is.
        let urls = Mutex<[String]>([])
        let wanted = plan.listen.count + plan.plainAnnounces.count + plan.datagrams.count
        let serves: @Sendable (String) -> Void = { url in
            let all = urls.withLock { urls in
                urls.append(url)
                return urls
            }
            if all.count == wanted { ServiceNotice.ready(all.joined(separator: " ")).send() }
        }
        do throws(TrackerError) {
            let server = TrackerServer(
                configuration: configuration, storage: storage, logger: Logger(label: "drover-tracker"), fleet: rollouts
            )
            let isTLS = configuration.certificate != nil
            try await server.run(
                onListening: { address in
                    let url = "\(isTLS ? "https" : "http")://\(Self.authority(address))/announce"
                    let note = isTLS ? "" : Self.exposure(of: address)
                    StandardError.write("listening on \(address)\(note); announce URL \(url)")
                    serves(url)
                },
                onListeningToAnnounces: { address in
                    let url = "http://\(Self.authority(address))/announce"
                    StandardError.write(
                        "taking announces on \(address)\(Self.exposure(of: address)); announce URL \(url)")
                    serves(url)
                },
                onListeningToDatagrams: { address in
                    let url = "udp://\(Self.authority(address))/announce"
                    StandardError.write("taking UDP on \(address)\(Self.exposure(of: address)); announce URL \(url)")
                    serves(url)
                })
            ServiceNotice.stopping.send()
        } catch {
            throw TrackerFailure(message: error.description)
        }
    }

    /// Where to listen.
    private var plan: ListenPlan {
        get throws {
            guard let standard = PeerAddress(parsing: "127.0.0.1:6969") else {
                throw TrackerFailure(message: "The standard address cannot be read; this is a bug.")
            }
            var wish = ListenPlan.Wish()
            wish.listen = listen
            wish.plainAnnounces = plainAnnounces
            wish.datagrams = udp.isEmpty ? nil : udp.compactMap(\.address)
            wish.isFleet = fleet
            wish.isTLS = tls.tls
            do throws(ListenPlan.Exposure) {
                return try ListenPlan(wish, standard: standard)
            } catch {
                throw TrackerFailure(message: error.description, code: 2)
            }
        }
    }

    /// What is said of a listener without TLS that other machines reach.
    private static func exposure(of address: PeerAddress) -> String {
        ListenPlan.isExposed(address) ? " without TLS" : ""
    }

    /// Finds out whether the database is a copy, which begins a new epoch.
    private func begin(_ storage: SqliteStorage) async throws(StorageError) -> Epoch {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<2).map { _ in UInt64.random(in: .min ... .max, using: &generator).hexadecimal }.joined()
        // What a tracker before this one was about to do when it was killed: nobody can tell whether it was done.
        _ = try await storage.settleAudit(outcome: "interrupted")
        let (epoch, ended) = try await storage.settleEpoch(fresh: id, at: now())
        guard let ended else { return epoch }
        _ = try await storage.appendAudit(
            AuditRecord(
                at: now(), actor: "tracker", action: "epoch.begin", subject: database,
                before: "\(ended.number) \(ended.id)", after: "\(epoch.number) \(epoch.id)"))
        StandardError.write(
            "\(database) is a copy of a tracker's database; epoch \(epoch.number) begins, which hosts will notice")
        return epoch
    }

    /// At a fleet's first start nobody has a token yet.
    private func letFirstAdminIn(_ storage: SqliteStorage) async throws {
        guard try await storage.tokens(after: nil, limit: 1).elements.isEmpty else { return }
        let token = OneTimeToken(database: database)
        let made = try await token.make(in: storage)
        try await storage.noteLocal("admin.first", made.token.id, after: made.token.summary)
        StandardError.write(
            "one-time admin token, valid for a day: \(made.secret.text) (it is also in \(token.file))")
    }

    private static func readRoot(_ path: String) throws -> TrustRoot {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TrackerFailure(message: "The trust root \(path) cannot be read; check the path and its permissions.")
        }
        do {
            return try TrustRoot.first(SignedEnvelope(json: data))
        } catch {
            throw TrackerFailure(message: "The trust root \(path) is refused: \(error).")
        }
    }

    /// The address as others can use it in a URL.
    private static func authority(_ address: PeerAddress) -> String {
        guard address.host.isUnspecified, let hostName else { return "\(address)" }
        return "\(hostName):\(address.port)"
    }

    /// This host's name, for showing a URL that others can use.
    private static var hostName: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let status = gethostname(&buffer, buffer.count)
        guard status == 0, let end = buffer.firstIndex(of: 0), end > 0 else { return nil }
        return String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Where UDP announces are taken, as an option has it.
struct DatagramOption {
    /// `nil` for nowhere.
    let address: PeerAddress?

    init(_ text: String) throws {
        address = PeerAddress(parsing: text)
        guard address != nil || text == "off" else {
            throw ValidationError(
                "'\(text)' is neither a literal address with a port, like 0.0.0.0:6969 or [::]:6969, nor off.")
        }
    }
}

extension UInt64 {
    /// Sixteen hexadecimal digits.
    fileprivate var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
