// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Requests that operators name by a key.
@Suite struct RequestTests {
    @Test func `a request that comes twice is carried out once`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        try script.command(.pause, request: "one")
        try script.command(.resume, request: "two")
        let length = script.log.count
        try script.command(.pause, request: "one")
        #expect(script.log.count == length)
        #expect(script.rollout.pause == nil)
        // One that changed nothing is remembered too.
        try script.command(.resume, request: "three")
        try script.command(.pause, request: "four")
        try script.command(.resume, request: "three")
        #expect(script.rollout.pause?.reason == .operator)
        try script.checkFold()
    }

    @Test func `a key stands for one request of one operator`() throws {
        var script = try RolloutScript()
        // The key of the creation, which was ada's.
        #expect(throws: Refusal.keyOfAnother) { try script.command(.start, request: "create-1") }
        try script.command(.start, request: "job")
        for command in [RolloutCommand.rollBack, .abort, .skipHost(RolloutScript.name(1))] {
            #expect(throws: Refusal.keyOfAnother) { try script.command(command, request: "job") }
        }
        try script.command(.start, request: "job")
        try script.command(.skipHost(RolloutScript.name(1)), request: "skip")
        #expect(throws: Refusal.keyOfAnother) {
            try script.command(.skipHost(RolloutScript.name(2)), request: "skip")
        }
        try script.command(.abort, by: "bob", request: "job")
        #expect(script.rollout.phase == .aborted)
        try script.checkFold()
    }

    @Test func `a key of an older log counts for its operator, whatever it stood for`() throws {
        var script = try RolloutScript()
        try script.command(.start, request: "job")
        script.log = script.log.map { event in
            RolloutEvent(
                sequence: event.sequence, order: event.order, at: event.at, actor: event.actor, reason: event.reason,
                request: event.request, transition: event.transition)
        }
        script.rollout = try #require(try Rollout.fold(script.log))
        let length = script.log.count
        try script.command(.pause, request: "job")
        #expect(script.log.count == length)
        try script.command(.pause, by: "bob", request: "job")
        #expect(script.rollout.pause?.reason == .operator)
    }
}
