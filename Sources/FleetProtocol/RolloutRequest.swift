// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What an operator sends to `POST /api/v1/rollouts/plan` and `POST /api/v1/rollouts`: a master, the hosts it is for, and
/// how to go about it. What is not said has the tracker's default.
package struct RolloutRequest: Codable, Equatable, Sendable {
    package struct Probing: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package static let canaries = Self(rawValue: "canaries")
        package static let everyHost = Self(rawValue: "every-host")
        package static let nobody = Self(rawValue: "nobody")
        package static let known = [canaries, everyHost, nobody]
    }

    package struct OnError: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package static let pause = Self(rawValue: "pause")
        package static let rollback = Self(rawValue: "rollback")
        package static let rollbackAll = Self(rawValue: "rollback-all")
        package static let known = [pause, rollback, rollbackAll]
    }

    package var version = FleetVersion.current
    package var master: MasterName
    /// Which hosts: `rack=r1|r2,role!=database`, or `all`.
    package var selector: String
    /// `auto`, a number, or names of hosts parted by commas.
    package var canaries: String?
    /// `5%,25%,100%` or `10,50,200x`.
    package var waves: String?
    /// When activation may go on, in UTC: `sat-sun 01:00-05:00,wed 22:00-02:00`.
    package var windows: String?
    /// Whether the waves begin by themselves once the canaries are healthy.
    package var isPromotedAutomatically: Bool?
    /// Whether a second person must approve.
    package var needsApproval: Bool?
    /// How many hosts may be activating or probing at once.
    package var slots: Int?
    package var probing: Probing?
    package var onError: OnError?
    /// The part of a host's link that staging may take, in percent.
    package var stageRatePercent: Int?
    /// Whether hosts that went back from this version before take it off their deny lists.
    package var clearsDenials: Bool?
    package var canarySoakSeconds: Int?
    package var waveSoakSeconds: Int?
    package var silenceSeconds: Int?
    package var activateSeconds: Int?
    package var probeSeconds: Int?
    package var stageProgressSeconds: Int?
    package var retries: Int?
    package var reason: String?

    package init(master: MasterName, selector: String) {
        self.master = master
        self.selector = selector
    }

    private enum CodingKeys: String, CodingKey {
        case version, master, selector, canaries, waves, windows
        case isPromotedAutomatically = "autoPromote"
        case needsApproval = "approval"
        case slots, probing, onError, stageRatePercent
        case clearsDenials = "clearDenials"
        case canarySoakSeconds, waveSoakSeconds, silenceSeconds, activateSeconds, probeSeconds, stageProgressSeconds
        case retries, reason
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let seconds = 1...604_800
        version = try container.decode(FleetVersion.self, forKey: .version)
        master = try container.master(.master)
        selector = try container.text(.selector, limit: FleetLimits.expressionBytes)
        canaries = try container.textIfPresent(.canaries, limit: FleetLimits.expressionBytes)
        waves = try container.textIfPresent(.waves, limit: FleetLimits.expressionBytes)
        windows = try container.textIfPresent(.windows, limit: FleetLimits.expressionBytes)
        isPromotedAutomatically = try container.decodeIfPresent(Bool.self, forKey: .isPromotedAutomatically)
        needsApproval = try container.decodeIfPresent(Bool.self, forKey: .needsApproval)
        slots = try container.numberIfPresent(.slots, 1...FleetLimits.hosts)
        probing = try container.decodeIfPresent(Probing.self, forKey: .probing)
        onError = try container.decodeIfPresent(OnError.self, forKey: .onError)
        // A wish that is not understood must not be carried out as another one.
        try container.check(probing?.isKnown ?? true, .probing, "is none of canaries, every-host and nobody")
        try container.check(onError?.isKnown ?? true, .onError, "is none of pause, rollback and rollback-all")
        stageRatePercent = try container.numberIfPresent(.stageRatePercent, 1...100)
        clearsDenials = try container.decodeIfPresent(Bool.self, forKey: .clearsDenials)
        canarySoakSeconds = try container.numberIfPresent(.canarySoakSeconds, seconds)
        waveSoakSeconds = try container.numberIfPresent(.waveSoakSeconds, seconds)
        silenceSeconds = try container.numberIfPresent(.silenceSeconds, seconds)
        activateSeconds = try container.numberIfPresent(.activateSeconds, seconds)
        probeSeconds = try container.numberIfPresent(.probeSeconds, seconds)
        stageProgressSeconds = try container.numberIfPresent(.stageProgressSeconds, seconds)
        retries = try container.numberIfPresent(.retries, 0...20)
        reason = try container.textIfPresent(.reason)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode("\(master)", forKey: .master)
        try container.encode(selector, forKey: .selector)
        try container.encodeIfPresent(canaries, forKey: .canaries)
        try container.encodeIfPresent(waves, forKey: .waves)
        try container.encodeIfPresent(windows, forKey: .windows)
        try container.encodeIfPresent(isPromotedAutomatically, forKey: .isPromotedAutomatically)
        try container.encodeIfPresent(needsApproval, forKey: .needsApproval)
        try container.encodeIfPresent(slots, forKey: .slots)
        try container.encodeIfPresent(probing, forKey: .probing)
        try container.encodeIfPresent(onError, forKey: .onError)
        try container.encodeIfPresent(stageRatePercent, forKey: .stageRatePercent)
        try container.encodeIfPresent(clearsDenials, forKey: .clearsDenials)
        try container.encodeIfPresent(canarySoakSeconds, forKey: .canarySoakSeconds)
        try container.encodeIfPresent(waveSoakSeconds, forKey: .waveSoakSeconds)
        try container.encodeIfPresent(silenceSeconds, forKey: .silenceSeconds)
        try container.encodeIfPresent(activateSeconds, forKey: .activateSeconds)
        try container.encodeIfPresent(probeSeconds, forKey: .probeSeconds)
        try container.encodeIfPresent(stageProgressSeconds, forKey: .stageProgressSeconds)
        try container.encodeIfPresent(retries, forKey: .retries)
        try container.encodeIfPresent(reason, forKey: .reason)
    }
}
