// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import PeerService

/// The tracker that a command of operators or publishers speaks to.
struct TrackerOption: ParsableArguments {
    @Option(
        name: .customLong("tracker"),
        help: ArgumentHelp("The tracker, such as https://tracker:6969. (default: DROVER_TRACKER)", valueName: "url"))
    var named: String?

    /// - Throws: ``HostFailure`` with `.usage` when none was named.
    var url: String {
        get throws(HostFailure) {
            let standard = getenv("DROVER_TRACKER").map { String(cString: $0) }
            guard let url = named ?? standard.flatMap({ $0.isEmpty ? nil : $0 }) else {
                throw HostFailure(.usage, "no tracker was named; say --tracker URL, or set DROVER_TRACKER")
            }
            return url
        }
    }
}
