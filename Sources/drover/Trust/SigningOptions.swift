// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import PeerService
import Trust

/// The options of every command that signs.
struct SigningOptions: ParsableArguments {
    @Option(
        name: .customLong("key"),
        help: ArgumentHelp(
            "A key to sign with; several sign together. The file never leaves this command.", valueName: "file"),
        completion: .file())
    var keys: [String] = []

    @Option(
        help: ArgumentHelp(
            "For how long it holds, such as 90d or 52w; after that it has to be signed anew.", valueName: "time"))
    var expires = PeriodText(seconds: 365 * 86_400)

    /// Seconds since 1970.
    var now: Int64 { Int64(time(nil)) }

    func validate() throws {
        if keys.isEmpty {
            throw ValidationError("--key FILE names whose signature it gets; make a key with `drover key create`")
        }
    }

    func sign(_ statement: some SignedStatement) throws -> SignedEnvelope {
        guard statement.isSound else {
            throw HostFailure(.usage, "what is to be signed contradicts itself; check the versions")
        }
        return try sign(SignedEnvelope(statement))
    }

    /// Adds the signatures of all keys.
    func sign(_ envelope: SignedEnvelope) throws -> SignedEnvelope {
        var envelope = envelope
        for key in keys { try envelope.sign(with: KeyFile.read(key)) }
        return envelope
    }
}

/// A length of time as people write it: `36h`, `90d` or `52w`.
struct PeriodText: ExpressibleByArgument, CustomStringConvertible {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Int64] = ["h": 3600, "d": 86_400, "w": 7 * 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Int64(argument.dropLast()),
            (1...100_000).contains(number)
        else { return nil }
        // checked: at most 100,000 weeks.
        seconds = number * unit
    }

    var description: String {
        for (letter, unit) in [("w", Int64(7 * 86_400)), ("d", 86_400)] where seconds % unit == 0 {
            return "\(seconds / unit)\(letter)"
        }
        return "\(seconds / 3600)h"
    }
}
