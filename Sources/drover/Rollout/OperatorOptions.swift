// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

/// Which fleet's tracker is asked, and who asks.
struct OperatorOptions: ParsableArguments {
    @OptionGroup var tracker: TrackerOption
    @OptionGroup var credentials: TrackerCredentialOptions

    func client() throws -> OperatorClient {
        let tracker = try tracker.url
        let credentials = try credentials.read()
        guard credentials.token != nil else {
            throw HostFailure(
                .denied, "rollouts need an operator's token; name its file with --token-file, or set DROVER_TOKEN_FILE")
        }
        return try OperatorClient(tracker: tracker, credentials: credentials)
    }
}
