// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import Metainfo
import PeerService

/// Which master goes to which hosts, and how: what `rollout plan` and `rollout start` have in common.
struct RolloutOptions: ParsableArguments {
    @Option(
        name: .customLong("on"),
        help: ArgumentHelp(
            "The hosts, by their labels: 'rack=r1|r2,role!=database', 'host=web-17', or 'all'. All terms must hold.",
            valueName: "selector"))
    var selector: String?

    @Option(
        help: ArgumentHelp(
            "Who tries it first: auto (one in a hundred hosts, at most five), a number, or names parted by commas. "
                + "(default: auto)", valueName: "hosts"))
    var canaries: String?

    @Option(
        help: ArgumentHelp(
            "How the others follow: cumulative percentages, or sizes with an x to repeat the last, such as 10,50,200x. "
                + "(default: 5%,25%,100%)", valueName: "waves"))
    var waves: String?

    @Option(
        name: .customLong("window"),
        help: ArgumentHelp(
            "When hosts may activate, in UTC: sat-sun 01:00-05:00,wed 22:00-02:00. Fetching is not held. (default: always)",
            valueName: "times"))
    var windows: String?

    @Flag(help: "Go on with the waves as soon as the canaries are well, without `rollout promote`.")
    var autoPromote = false

    @Flag(help: "Begin only when somebody else has approved it (`rollout approve`).")
    var approval = false

    @Option(
        help: ArgumentHelp(
            "Which hosts boot a probe clone: canaries, every-host or nobody. (default: canaries)", valueName: "hosts"))
    var probe: String?

    @Option(
        help: ArgumentHelp(
            "What becomes of a wave that fails: pause, rollback (its hosts go back) or rollback-all. (default: pause)",
            valueName: "what"))
    var onError: String?

    @Option(help: ArgumentHelp("How many hosts activate at once. (default: 50)", valueName: "hosts"))
    var slots: Int?

    @Option(
        help: ArgumentHelp(
            "The part of a host's link that fetching may take. (default: 30)", valueName: "percent"))
    var stageRate: Int?

    @Option(help: ArgumentHelp("How often a host tries a step again by itself. (default: 3)", valueName: "times"))
    var retries: Int?

    @Flag(help: "Try it also on hosts that went back from this version before.")
    var clearDenials = false

    @Option(help: ArgumentHelp("How long canaries must stay well. (default: 10m)", valueName: "time"))
    var canarySoak: DurationText?

    @Option(help: ArgumentHelp("How long the hosts of other waves must stay well. (default: 2m)", valueName: "time"))
    var waveSoak: DurationText?

    @Option(help: ArgumentHelp("After what time of silence a host has failed. (default: 5m)", valueName: "time"))
    var silenceLimit: DurationText?

    @Option(help: ArgumentHelp("How long activating may take. (default: 2m)", valueName: "time"))
    var activateLimit: DurationText?

    @Option(help: ArgumentHelp("How long a probe may take. (default: 5m)", valueName: "time"))
    var probeLimit: DurationText?

    @Option(
        help: ArgumentHelp(
            "How long fetching may stand still; it has no other limit. (default: 10m)", valueName: "time"))
    var stageLimit: DurationText?

    @Option(help: ArgumentHelp("Your words for the rollout's log.", valueName: "text"))
    var reason: String?

    /// Whether nothing is said of hosts and how; words for the log are something else.
    var areNone: Bool {
        let times = [
            canarySoak, waveSoak, silenceLimit, activateLimit, probeLimit, stageLimit,
        ]
        return [selector, canaries, waves, windows, probe, onError].allSatisfy { $0 == nil }
            && [slots, stageRate, retries].allSatisfy { $0 == nil } && times.allSatisfy { $0 == nil }
            && !autoPromote && !approval && !clearDenials
    }

    /// What is asked of the tracker, which checks the rest.
    func request(_ master: String) throws(HostFailure) -> RolloutRequest {
        guard let name = MasterName(master) else {
            throw HostFailure(.usage, "'\(master.prefix(80))' is not NAME@VERSION, such as debian@7")
        }
        guard let selector else {
            throw HostFailure(.usage, "say for which hosts: --on rack=r1|r2 by their labels, or --on all")
        }
        var request = RolloutRequest(master: name, selector: selector)
        request.canaries = canaries
        request.waves = waves
        request.windows = windows
        if autoPromote { request.isPromotedAutomatically = true }
        if approval { request.needsApproval = true }
        request.probing = try probe.map { text throws(HostFailure) in try Self.known(text, "--probe") }
        request.onError = try onError.map { text throws(HostFailure) in try Self.known(text, "--on-error") }
        request.slots = slots
        request.stageRatePercent = stageRate
        request.retries = retries
        if clearDenials { request.clearsDenials = true }
        request.canarySoakSeconds = canarySoak?.seconds
        request.waveSoakSeconds = waveSoak?.seconds
        request.silenceSeconds = silenceLimit?.seconds
        request.activateSeconds = activateLimit?.seconds
        request.probeSeconds = probeLimit?.seconds
        request.stageProgressSeconds = stageLimit?.seconds
        request.reason = reason
        return request
    }

    private static func known<Word: OpenWord>(_ text: String, _ option: String) throws(HostFailure) -> Word {
        let word = Word(rawValue: text)
        guard word.isKnown else {
            throw HostFailure(
                .usage,
                "\(option) '\(text.prefix(80))' is none of \(Word.known.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }
}

/// The option of every command that changes a rollout.
struct RequestKeyOption: ParsableArguments {
    /// The longest key that a tracker takes.
    static let byteLimit = 128

    @Option(
        name: .customLong("request-key"),
        help: ArgumentHelp(
            "Names this request, so that a script may send it again and it is carried out once. (default: a new one each "
                + "time)", valueName: "key"))
    var text: String?

    var key: String {
        if let text { return text }
        return (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "-")
    }
}
