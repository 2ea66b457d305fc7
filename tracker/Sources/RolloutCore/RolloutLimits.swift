// SPDX-License-Identifier: Apache-2.0

/// What a rollout may grow to. Every table, list and text of the machine has its bound here.
package enum RolloutLimits {
    /// Hosts of one rollout, those included that joined and left.
    package static let hosts = 20_000
    /// Waves of one rollout, the canaries' included.
    package static let waves = 500
    /// Canaries that may be asked for.
    package static let canaries = 100
    /// Hosts that may be activating at once.
    package static let slots = hosts
    /// Attempts that may be asked for beyond the first.
    package static let retries = 20
    /// The longest time limit, soak or extension.
    package static let longestSpan = Span.days(7)
    /// How long a plan waits to be started, and a start for its approval, or for what holds it.
    package static let waitingForStart = Span.days(8)
    /// Events a log may hold for each host, and besides. Beyond, no progress is recorded and only commands that end a
    /// rollout are taken; what is left to happen without them is bounded by the retries.
    package static let eventsPerHost = 64
    package static let eventsBesides = 20_000
    /// How often a host may become another one before the start, and find another version to go back to: what it says of
    /// itself beyond is passed over, so that no host fills the log.
    package static let changesPerHost = 16
    /// Requests that are remembered, so that one that comes twice is carried out once.
    package static let requests = 4096
    /// Bytes of a reason that an operator gives.
    package static let reasonLength = 500
    /// Bytes of a reference to a log.
    package static let logReferenceLength = 500
    /// Bytes of the name of an operator or a request.
    package static let nameLength = 128
    /// Names that an explanation lists.
    package static let namedHolders = 10
    /// Progress is recorded when a tenth of the image came, or a thousandth since a quarter of the time limit. Less
    /// than a thousandth within the time limit counts as standing still, so that staging takes a thousand of them at
    /// most.
    package static let progressParts: UInt64 = 10
    package static let leastProgressParts: UInt64 = 1000
}
