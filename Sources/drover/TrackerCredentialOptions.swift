// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import Glibc
import ImageStore
import PeerService

/// What an operator shows to a tracker, and who may vouch for one.
struct TrackerCredentialOptions: ParsableArguments {
    /// Longer than any token, and than the bundle of all authorities of a system.
    private static let longestToken = 1024
    private static let longestBundle = 4 << 20

    @Option(
        help: ArgumentHelp(
            "A file with an operator's token for a fleet's tracker; '-' reads it from standard input. (default: "
                + "DROVER_TOKEN_FILE)", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        name: .customLong("tracker-ca"),
        help: ArgumentHelp(
            "The certificate of the authority that vouches for the tracker, as PEM, such as the authority.pem of its "
                + "fleet. (default: DROVER_TRACKER_CA, or else the system's authorities and that of the fleet in which this "
                + "host is enrolled, where you may read its identity)",
            valueName: "file"),
        completion: .file())
    var authorities: String?

    func read() throws -> TrackerCredentials {
        var credentials = TrackerCredentials()
        if let path = tokenFile ?? Self.environment("DROVER_TOKEN_FILE") {
            let text = path == "-" ? readLine() ?? "" : try Self.text(path, Self.longestToken, "token")
            guard let word = text.split(whereSeparator: \.isWhitespace).first else {
                throw HostFailure(.notFound, "there is no token in \(path); check the path")
            }
            credentials.token = String(word)
        }
        credentials.authorities = try authorities.map(Self.authorities) ?? Self.standardAuthorities()
        if credentials.authorities == nil {
            let layout = StoreLayout(root: StoreLayout.resolve(StoreOptions.usual))
            credentials.fleetAuthority = HostEnrolment.authority(of: layout, PosixFiles())
        }
        return credentials
    }

    /// What DROVER_TRACKER_CA names.
    static func standardAuthorities() throws(HostFailure) -> String? {
        guard let path = environment("DROVER_TRACKER_CA") else { return nil }
        return try authorities(path)
    }

    private static func authorities(_ path: String) throws(HostFailure) -> String {
        let pem = try text(path, longestBundle, "certificate")
        guard TrackerCredentials.areAuthorities(pem) else {
            throw HostFailure(.usage, "\(path) holds no certificate as PEM; name the authority's certificate")
        }
        return pem
    }

    private static func text(_ path: String, _ limit: Int, _ what: String) throws(HostFailure) -> String {
        do throws(FileError) {
            let bytes = try PosixFiles().contents(of: StoreLayout.resolve(path), limit: limit)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            if error.cause == .notFound {
                throw HostFailure(.notFound, "there is no \(what) file \(path); check the path")
            }
            throw HostFailure(.failed, "the \(what) file \(path) is not used: \(error.reason)")
        }
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
