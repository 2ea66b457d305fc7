// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import PeerService

/// `drover host`: this host's place in a fleet.
struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Enrol this host in a fleet, and see how it is enrolled.",
        discussion: """
            An enrolled host has a certificate of its fleet. With it, it swaps masters of the fleet with the other enrolled \
            hosts, in TLS; nobody else gets a byte of them.
            """,
        subcommands: [
            HostEnrol.self, HostShow.self, HostOrders.self, HostTrustEpoch.self, HostLeave.self,
        ])
}

struct HostEnrol: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrol",
        abstract: "Get a certificate from the fleet's tracker.",
        discussion: """
            The key is made here and stays in the store. The token is used up by it; it names the fleet, so that no other \
            tracker can pass for the right one. A running peer uses the certificate at once and renews it by itself.

              drover-tracker token create --authority DIR --database FILE --hosts 'rack1-*'   on the tracker
              drover host enrol --tracker http://tracker:6969 --token-file token          on the host
            """)

    @Option(help: ArgumentHelp("The fleet's tracker, such as http://tracker:6969.", valueName: "url"))
    var tracker: String

    @Option(
        help: ArgumentHelp(
            "The token. Other users of this machine can see it while the command runs; it is of no use afterwards.",
            valueName: "token"))
    var token: String?

    @Option(
        help: ArgumentHelp("A file with the token; '-' reads it from standard input.", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "The host's name in the fleet. (default: the host name, without its domain)", valueName: "name"))
    var name: String?

    @Flag(help: "Leave another fleet for this one.")
    var replace = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (token == nil) != (tokenFile == nil) else {
            throw ValidationError("Give the token with --token-file FILE, or with --token TOKEN.")
        }
    }

    func run() async throws {
        let order = HostRequest.Enrol(
            tracker: tracker, token: try secret(), name: name ?? Self.hostName, isReplacing: replace)
        guard case .enrolment(let report) = try await store.ask(.enrol(order), create: true, quiet: output.quiet) else {
            throw HostFailure.unexpectedReply
        }
        try HostShow.print(report, output)
    }

    private func secret() throws -> String {
        if let token { return token }
        let path = tokenFile ?? "-"
        let text =
            path == "-"
            ? readLine() : FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        guard let text else { throw HostFailure(.notFound, "the token cannot be read from \(path); check the path") }
        return text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        let bytes = buffer.prefix { $0 != 0 && $0 != 0x2e }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }
}

struct HostShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show in which fleet this host is, and for how long its certificate lasts.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .enrolment(let report) = try await store.ask(.showEnrolment) else {
            throw HostFailure.unexpectedReply
        }
        try Self.print(report, output)
    }

    static func print(_ report: EnrolmentReport?, _ output: OutputOptions) throws {
        guard output.format == .table else { return try OutputOptions.json(report) }
        guard let report else {
            return Terminal.data("this host is enrolled in no fleet (`drover host enrol`)")
        }
        func day(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601) }
        try output.print(
            report,
            fields: [
                "host": report.host, "fleet": report.fleet, "certificate": report.serial,
                "valid until": day(report.validUntil), "renewed from": day(report.renewal), "tracker": report.tracker,
                "revoked": "\(report.revoked) certificates of others",
            ])
    }
}

struct HostLeave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave",
        abstract: "Forget this host's certificate and key.",
        discussion:
            "The tracker still counts the certificate as good until it ends; `drover-tracker host revoke` ends it.")

    @OptionGroup var store: StoreOptions

    func run() async throws {
        _ = try await store.ask(.leaveFleet)
        Terminal.note("this host is enrolled in no fleet now")
    }
}
