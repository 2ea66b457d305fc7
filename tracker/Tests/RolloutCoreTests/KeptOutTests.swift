// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Hosts that operators keep out while something fails on them, so that they do not simply wait to be let in.
@Suite struct KeptOutTests {
    @Test func `a host that waits to be tried again is put aside instead, and taken along when it is let in`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        try script.report(RolloutScript.name(3), .failed(.networkFailed, log: nil))
        try script.drain(3, true)
        try script.wait(.minutes(30))
        #expect(script[3] == .blocked(reason: .drained))
        try script.drain(3, false)
        #expect(script[3] == .staging)
        try script.checkFold()
    }

    @Test func `a retry does not reach a host that is kept out, though it has the master`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        let host = try #require(script.names(.activating).first)
        let number = try #require((0..<10).first { RolloutScript.name($0) == host })
        try script.report(host, .failed(.cloneFailed, log: nil))
        try script.drain(number, true)
        #expect(script[number]?.kind == .failed, "what happened stays known")
        try script.command(.retryHost(host))
        #expect(script[number] == .blocked(reason: .drained))
        try script.drain(number, false)
        try script.finish()
        #expect(script[number] == .healthy)
        try script.checkFold()
    }

    @Test func `a host that was late with the master is not activated when it is kept out and has it after all`() throws
    {
        var script = try RolloutScript()
        try script.command(.start)
        try script.wait(.hours(2))
        #expect(script[3] == .timedOut(step: .staging))
        let stamp = script.stamp(RolloutScript.name(3))
        try script.drain(3, true)
        try script.take(
            .report(HostReport(host: RolloutScript.name(3), version: 7, stamp: stamp, progress: .staged)))
        #expect(script[3] == .blocked(reason: .drained))
        try script.checkFold()
    }

    @Test func `a version that is wanted again where it was denied is not taken to a host that is kept out`() throws {
        var settings = RolloutSettings()
        settings.clearsDenials = true
        var script = try RolloutScript(settings: settings) { host in
            if host.name == RolloutScript.name(3) { (host.denied, host.isDrained) = ([7], true) }
        }
        try script.command(.start)
        #expect(script[3] == .blocked(reason: .drained))
    }
}
