// SPDX-License-Identifier: Apache-2.0

extension RolloutSettings {
    /// Reads what was written by any version: a setting that is missing has its default, so that logs outlive new
    /// settings.
    package init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ value: inout Value, _ key: CodingKeys) throws {
            if let found = try container.decodeIfPresent(Value.self, forKey: key) { value = found }
        }
        try read(&canaries, .canaries)
        try read(&isPromotedAutomatically, .isPromotedAutomatically)
        try read(&needsApproval, .needsApproval)
        waves = try container.decodeIfPresent(WaveSpec.self, forKey: .waves)
        windows = try container.decodeIfPresent(WeeklyWindows.self, forKey: .windows)
        try read(&slots, .slots)
        try read(&probing, .probing)
        try read(&onError, .onError)
        try read(&clearsDenials, .clearsDenials)
        try read(&stageRatePercent, .stageRatePercent)
        try read(&headroomBytes, .headroomBytes)
        try read(&headroomPercent, .headroomPercent)
        try read(&toleratedFailures, .toleratedFailures)
        try read(&toleratedPercent, .toleratedPercent)
        try read(&minimumSample, .minimumSample)
        try read(&stageProgressLimit, .stageProgressLimit)
        try read(&silenceLimit, .silenceLimit)
        try read(&activateLimit, .activateLimit)
        try read(&probeLimit, .probeLimit)
        try read(&canarySoak, .canarySoak)
        try read(&waveSoak, .waveSoak)
        try read(&retries, .retries)
        try read(&retryWait, .retryWait)
        try read(&retryBudget, .retryBudget)
    }
}
