// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import Testing

/// What those see who look on.
@Suite struct LookingOnTests {
    @Test func `why a host has not staged yet is told with what it says of its fetch`() async throws {
        let script = try await FleetScript()
        let number = try #require(try await script.fleet.create(try script.request(), by: "ada").rollout)
        try await script.command(.start, number)
        func fetch(_ master: String, _ cause: String) -> HostActivity.Fetch {
            .init(
                master: master, bytes: 1 << 20, size: 10 << 30, rate: 4096, rarestCopies: 2, least: 9, most: 20,
                cause: cause, finding: "It is \(cause).", map: "0f")
        }
        let activity = HostActivity(
            port: 6881, down: 4096, up: 0, fetches: [fetch("web@1", "cap"), fetch("debian@7", "disk")], neighbours: [])
        _ = try await script.fleet.take(HostNotice(reports: [], activity: activity), from: "h2")
        #expect(try await script.fleet.why(number, "h2").fetch == fetch("debian@7", "disk"))
        #expect(try await script.fleet.why(number, "h1").fetch == nil)
        // Those who look on share one walk over all hosts, and see what has changed since.
        let look = await script.fleet.look()
        #expect(look.glances.map(\.host) == ["h2"] && look.spread["debian@6"]?.active == 6)
        #expect(await script.fleet.fingerprint() == look.fingerprint)
        _ = try await script.fleet.take(HostNotice(reports: [], activity: nil), from: "h2")
        #expect(await script.fleet.fingerprint() != look.fingerprint)
        #expect(try await script.fleet.why(number, "h2").fetch == nil)
        // What was said longer ago is over.
        _ = try await script.fleet.take(HostNotice(reports: [], activity: activity), from: "h2")
        script.clock.pass(seconds: 600)
        #expect(try await script.fleet.why(number, "h2").fetch == nil)
    }

    @Test func `the end of a log is shown, as far as it says something`() {
        let log = "one\r\ntwo\n\n  \nthree\nfour\nKernel panic\n\n"
        #expect(FleetService.Fleet.excerpt(of: Array(log.utf8)) == "two\nthree\nfour\nKernel panic")
        #expect(FleetService.Fleet.excerpt(of: []) == "")
        #expect(FleetService.Fleet.excerpt(of: [UInt8](repeating: 0xff, count: 9000)).utf8.count <= 3 * 2048)
    }
}
