// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A span of time as people write it: `90s`, `5m`, `1h`, or plain seconds.
struct DurationText: ExpressibleByArgument {
    let seconds: Int

    init?(argument: String) {
        let factors: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        let factor = argument.last.flatMap { factors[$0] }
        guard let number = Int(factor == nil ? argument[...] : argument.dropLast()), number > 0 else { return nil }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
        guard !overflow else { return nil }
        self.seconds = seconds
    }
}
