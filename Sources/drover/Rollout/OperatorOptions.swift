// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import Glibc
import ImageStore
import PeerService

/// Which fleet's tracker is asked, and who asks.
struct OperatorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The fleet's tracker, such as http://tracker:6969. (default: DROVER_TRACKER)", valueName: "url"))
    var tracker: String?

    @Option(
        help: ArgumentHelp(
            "A file with an operator's token; '-' reads it from standard input. (default: DROVER_TOKEN_FILE)",
            valueName: "file"),
        completion: .file())
    var tokenFile: String?

    /// Longer than any token.
    private static let longestToken = 1024

    func client() throws -> OperatorClient {
        guard let tracker = tracker ?? Self.environment("DROVER_TRACKER") else {
            throw HostFailure(.usage, "no tracker was named; say --tracker URL, or set DROVER_TRACKER")
        }
        guard let path = tokenFile ?? Self.environment("DROVER_TOKEN_FILE") else {
            throw HostFailure(
                .denied,
                "rollouts need an operator's token; name its file with --token-file, or set DROVER_TOKEN_FILE")
        }
        return try OperatorClient(tracker: tracker, token: try Self.token(path))
    }

    private static func token(_ path: String) throws(HostFailure) -> String {
        guard let word = try text(path).split(whereSeparator: \.isWhitespace).first else {
            throw HostFailure(.notFound, "there is no token in \(path); check the path")
        }
        return String(word)
    }

    private static func text(_ path: String) throws(HostFailure) -> String {
        if path == "-" { return readLine() ?? "" }
        do throws(FileError) {
            return String(
                decoding: try PosixFiles().contents(of: StoreLayout.resolve(path), limit: longestToken), as: UTF8.self)
        } catch {
            if error.cause == .notFound {
                throw HostFailure(.notFound, "there is no token file \(path); check the path")
            }
            throw HostFailure(.failed, "the token file \(path) is not used: \(error.reason)")
        }
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
