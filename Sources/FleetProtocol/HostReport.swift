// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// How far a host is with an order. Hosts repeat their latest report with each sign of life.
package struct HostReport: Codable, Hashable, Sendable {
    package struct State: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// Bytes come in; ``HostReport/bytes`` says how many are verified and on disk.
        package static let staging = Self(rawValue: "staging")
        /// All bytes are there; they are being synced and registered.
        package static let verifying = Self(rawValue: "verifying")
        package static let staged = Self(rawValue: "staged")
        /// The order to activate has arrived.
        package static let activating = Self(rawValue: "activating")
        package static let activated = Self(rawValue: "activated")
        package static let probePassed = Self(rawValue: "probe-passed")
        package static let probeFailed = Self(rawValue: "probe-failed")
        /// Active, and well as far as the host can tell.
        package static let healthy = Self(rawValue: "healthy")
        /// Back on the version before, by order or by itself.
        package static let rolledBack = Self(rawValue: "rolled-back")
        package static let failed = Self(rawValue: "failed")
        /// The order was seen and is not obeyed: ``HostReport/code`` says why.
        package static let refused = Self(rawValue: "refused")
        package static let known = [
            staging, verifying, staged, activating, activated, probePassed, probeFailed, healthy, rolledBack, failed,
            refused,
        ]
    }

    /// The whole stamp of the order that it answers.
    package var stamp: OrderStamp
    package var master: MasterName
    package var state: State
    /// Verified bytes on disk, while staging; all-zero pieces do not count.
    package var bytes: UInt64?
    /// Why, for what failed or was refused.
    package var code: ReasonCode?
    /// The end of a failed step's log, such as a probe's serial console, in at most ``FleetLimits/logBytes``; it is kept
    /// with the rollout.
    package var log: String?

    package init(
        stamp: OrderStamp, master: MasterName, state: State, bytes: UInt64? = nil, code: ReasonCode? = nil,
        log: String? = nil
    ) {
        self.stamp = stamp
        self.master = master
        self.state = state
        self.bytes = bytes
        self.code = code
        self.log = log
    }

    private enum CodingKeys: String, CodingKey { case stamp, master, state, bytes, code, log }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        stamp = try container.decode(OrderStamp.self, forKey: .stamp)
        master = try container.master(.master)
        state = try container.decode(State.self, forKey: .state)
        bytes = try container.decodeIfPresent(UInt64.self, forKey: .bytes)
        code = try container.decodeIfPresent(ReasonCode.self, forKey: .code)
        log = try container.textIfPresent(.log, limit: FleetLimits.logBytes)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stamp, forKey: .stamp)
        try container.encode("\(master)", forKey: .master)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(bytes, forKey: .bytes)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(log, forKey: .log)
    }
}
