// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What a host shall do about a line of masters: a whole wish, not a change, so that the host may keep it as its own and
/// carry it out with the tracker gone.
package struct FleetOrder: Codable, Hashable, Sendable {
    package struct Step: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// Leave things as they are. A step that is not known means this too.
        package static let nothing = Self(rawValue: "nothing")
        /// Have the version in the store, verified and registered.
        package static let stage = Self(rawValue: "stage")
        /// Have it and let it be what a bare name means.
        package static let activate = Self(rawValue: "activate")
        /// That is known to be so, and the probe's outcome is awaited.
        package static let probe = Self(rawValue: "probe")
        /// Be back on the version before, and keep this one on the deny list.
        package static let rollBack = Self(rawValue: "roll-back")
        package static let known = [nothing, stage, activate, probe, rollBack]
    }

    package var stamp: OrderStamp
    package var step: Step
    package var master: MasterName
    /// The version 2 info-hash in lower-case hexadecimal.
    package var infoHash: String
    /// The version to go back to; `nil` when there was none, and no version is active afterwards.
    package var previous: Int?
    /// Whether a probe clone belongs to the activation. Once it is passed, and the tracker knows, it no longer does: then
    /// the host says that it is healthy.
    package var isProbed: Bool
    /// Whether the host may take the version off its deny list.
    package var clearsDenial: Bool
    /// The part of its link that staging may take, from 1 to 100 percent.
    package var stageRatePercent: Int

    package init(
        stamp: OrderStamp, step: Step, master: MasterName, infoHash: String, previous: Int? = nil,
        isProbed: Bool = false, clearsDenial: Bool = false, stageRatePercent: Int = 30
    ) {
        self.stamp = stamp
        self.step = step
        self.master = master
        self.infoHash = infoHash
        self.previous = previous
        self.isProbed = isProbed
        self.clearsDenial = clearsDenial
        self.stageRatePercent = stageRatePercent
    }

    private enum CodingKeys: String, CodingKey {
        case stamp, step, master, infoHash, previous
        case isProbed = "probe"
        case clearsDenial, stageRatePercent
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        stamp = try container.decode(OrderStamp.self, forKey: .stamp)
        step = try container.decode(Step.self, forKey: .step)
        master = try container.master(.master)
        infoHash = try container.text(.infoHash, limit: 128)
        previous = try container.numberIfPresent(.previous, 1...Int.max)
        isProbed = try container.flag(.isProbed)
        clearsDenial = try container.flag(.clearsDenial)
        stageRatePercent = try container.number(.stageRatePercent, 1...100, default: 30)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stamp, forKey: .stamp)
        try container.encode(step, forKey: .step)
        try container.encode("\(master)", forKey: .master)
        try container.encode(infoHash, forKey: .infoHash)
        try container.encodeIfPresent(previous, forKey: .previous)
        try container.encode(isProbed, forKey: .isProbed)
        try container.encode(clearsDenial, forKey: .clearsDenial)
        try container.encode(stageRatePercent, forKey: .stageRatePercent)
    }
}
