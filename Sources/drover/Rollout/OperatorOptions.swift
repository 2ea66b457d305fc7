// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import PeerService

/// Which fleet's tracker is asked, and who asks.
struct OperatorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The fleet's tracker, such as https://tracker:6969. (default: DROVER_TRACKER)", valueName: "url"))
    var tracker: String?

    @OptionGroup var credentials: TrackerCredentialOptions

    func client() throws -> OperatorClient {
        guard let tracker = tracker ?? Self.environment("DROVER_TRACKER") else {
            throw HostFailure(.usage, "no tracker was named; say --tracker URL, or set DROVER_TRACKER")
        }
        let credentials = try credentials.read()
        guard credentials.token != nil else {
            throw HostFailure(
                .denied, "rollouts need an operator's token; name its file with --token-file, or set DROVER_TOKEN_FILE")
        }
        return try OperatorClient(tracker: tracker, credentials: credentials)
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
