// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

@Suite struct WeeklyWindowsTests {
    /// Minutes since Monday, 5 January 1970.
    private func isOpen(_ text: String, _ day: Int, _ hour: Int, _ minute: Int = 0) throws -> Bool {
        let minutes = Int64(((4 + day) * 24 + hour) * 60 + minute)
        return try WeeklyWindows(text).isOpen(at: Instant(milliseconds: minutes * 60_000))
    }

    @Test func `a window is open from its first minute to its last`() throws {
        #expect(try !isOpen("mon 01:00-05:00", 0, 0, 59))
        #expect(try isOpen("mon 01:00-05:00", 0, 1))
        #expect(try isOpen("mon 01:00-05:00", 0, 4, 59))
        #expect(try !isOpen("mon 01:00-05:00", 0, 5))
        #expect(try !isOpen("mon 01:00-05:00", 1, 2))
        // Weeks later as well.
        #expect(try isOpen("mon 01:00-05:00", 7 * 2000, 1))
    }

    @Test func `days have ranges, and nights go beyond midnight and the week's end`() throws {
        for day in 0..<7 {
            #expect(try isOpen("22:00-02:00", day, 23) && isOpen("22:00-02:00", day, 1))
            #expect(try !isOpen("22:00-02:00", day, 12))
            #expect(try isOpen("sat-mon 00:00-24:00", day, 12) == [0, 5, 6].contains(day))
            #expect(try isOpen("08:00-08:00", day, 7), "a whole day")
        }
        #expect(try isOpen("sun 22:00-02:00", 0, 1) && !isOpen("sun 22:00-02:00", 0, 2))
        #expect(try isOpen("tue 10:00-11:00, fri 12:00-13:00", 4, 12))
    }

    @Test(arguments: [
        "", "mon", "mon 25:00-26:00", "mon 1:00-2:00", "mon 01:00", "mon 01:60-02:00", "noday 01:00-02:00",
        "mon-tue-wed 01:00-02:00", "mon 01:00-02:00,", "mon tue 01:00-02:00", "24:00-01:00", "٠١:00-02:00",
    ])
    func `what is no window is refused`(text: String) {
        #expect(throws: WeeklyWindowsError.self) { try WeeklyWindows(text) }
    }

    @Test func `too many windows are refused`() {
        let text = Array(repeating: "00:00-01:00", count: 15).joined(separator: ",")
        #expect(throws: WeeklyWindowsError.tooMany(100)) { try WeeklyWindows(text) }
        #expect(WeeklyWindowsError.tooMany(100).description.hasSuffix("."))
    }

    @Test func `a rollout that starts beside its window fetches, says so, and goes on by itself`() throws {
        var script = try RolloutScript()
        try script.take(.hold(.windowClosed))
        try script.stageAll()
        #expect(script.rollout.phase == .canary && script.rollout.pause?.reason == .windowClosed)
        #expect(script.rollout.why(script.names[0])?.description.contains("window") == true)
        #expect(throws: Refusal.cannotResume(.windowClosed)) { try script.command(.resume) }
        try script.take(.lift(.windowClosed))
        #expect(script.names(.activating).count == 1 && script.rollout.pause == nil)
        try script.checkFold()
    }
}
