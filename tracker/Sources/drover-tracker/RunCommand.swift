// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import SqliteStorage
import TrackerProtocol
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

            Give peers the announce URL that is printed at the start, as --tracker. There is no login yet: whoever \
            can reach the tracker can announce and publish, so listen only where that is fine.

            EXIT CODES
              0 stopped as told, 1 cannot run, 2 wrong command line.
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
                + "the addresses and ports of --listen)",
            valueName: "address:port"),
        transform: DatagramOption.init)
    var udp: [DatagramOption] = []

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

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        OpenFiles.raiseLimit()
        let fallback = PeerAddress(parsing: "127.0.0.1:6969").map { [$0] } ?? []
        var configuration = TrackerConfiguration(
            listen: listen.isEmpty ? fallback : listen,
            datagrams: udp.isEmpty ? (listen.isEmpty ? fallback : listen) : udp.compactMap(\.address))
        configuration.trustRoot = try trustRoot.map(Self.readRoot)
        do throws(TrackerError) {
            let server = TrackerServer(
                configuration: configuration, storage: try openStorage(database),
                logger: Logger(label: "drover-tracker"))
            try await server.run(
                onListening: { address in
                    StandardError.write(
                        "listening on \(address); announce URL http://\(Self.authority(address))/announce")
                },
                onListeningToDatagrams: { address in
                    StandardError.write(
                        "taking UDP on \(address); announce URL udp://\(Self.authority(address))/announce")
                })
        } catch {
            throw TrackerFailure(message: error.description)
        }
    }

    /// Opens the database and tells its failures in the tracker's terms.
    private func openStorage(_ path: String) throws(TrackerError) -> SqliteStorage {
        do throws(StorageError) { return try SqliteStorage(path: path) } catch { throw .storage(error) }
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
