// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// The tracker's program: first start of a fleet's tracker, tokens, audit trail, backup and restore.
@Suite struct TrackerCommandTests {
    private func tracker(_ words: String...) async throws -> ChildProcess.Finished {
        try await ChildProcess.run(Program.tracker, words)
    }

    /// Starts a fleet's tracker and waits until it listens.
    private func start(_ fleet: Fleet, on database: String) async throws -> (ChildProcess, url: String) {
        let child = try fleet.start(
            Program.tracker, ["run", "--fleet", "--listen", "127.0.0.1:0", "--database", database])
        let address = try await eventually("the tracker listens") { () throws -> String? in
            if child.exitStatus != nil { throw TestFailure("the tracker ended: \(child.errors)") }
            return child.errors.split(separator: "\n").first { $0.hasPrefix("listening on ") }
                .flatMap { $0.dropFirst("listening on ".count).split(separator: ";").first }.map(String.init)
        }
        return (child, "http://\(address)")
    }

    private func end(_ child: ChildProcess) async throws {
        child.signal(SIGTERM)
        #expect(try await child.finished().status == 0)
    }

    /// The status of a request that curl makes.
    private func status(_ words: String, _ url: String) async throws -> String {
        try await tool("curl -sS -o /dev/null -w %{http_code} \(words) \(url)")
    }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(stat(path, &status) == 0, "\(path)")
        return status.st_mode & 0o777
    }

    @Test func `the first start of a fleet lets one admin in, and nobody else`() async throws {
        try await Fleet.run { fleet in
            let database = fleet.path("fleet.sqlite")
            let (child, url) = try await start(fleet, on: database)
            let kept = try String(decoding: readFile(database + ".admin-token"), as: UTF8.self)
            let once = kept.trimmingSuffix { $0 == "\n" }
            #expect(once.hasPrefix("drv_") && child.errors.contains(once))
            #expect(try mode(database + ".admin-token") == 0o600 && mode(database) == 0o600)
            let masters = url + "/api/v1/masters"
            #expect(try await status("", masters) == "401")
            let header = fleet.path("header")
            try writeFile(Array("Authorization: Bearer x\n".utf8), to: header)
            #expect(try await status("-H @\(header)", masters) == "401")
            #expect(try await status("", url + "/healthz") == "200")
            #expect(try await status("", url + "/announce") == "200")
            let made = try await tracker(
                "operator", "create", "--database", database, "--name", "alice", "--role", "viewer", "--role", "admin")
            #expect(made.status == 0, "\(made)")
            let token = made.output.trimmingSuffix { $0 == "\n" }
            try writeFile(Array("Authorization: Bearer \(token)\n".utf8), to: header)
            #expect(try await status("-H @\(header)", masters) == "200")
            let listed = try await tracker("operator", "list", "--database", database)
            #expect(listed.lines.count == 2 && listed.output.contains("alice") && !listed.output.contains("drv_"))
            let id = try #require(listed.lines.first { $0.contains("alice") }?.split(separator: " ").first)
            #expect(try await tracker("operator", "revoke", "--database", database, String(id)).status == 0)
            #expect(try await status("-H @\(header)", masters) == "401")
            #expect(try await tracker("operator", "revoke", "--database", database, "nope").status == 3)

            let reset = try await tracker("admin", "reset", "--database", database)
            let second = reset.output.trimmingSuffix { $0 == "\n" }
            #expect(second != once && TrackerCommandTests.isToken(second))
            try writeFile(Array("Authorization: Bearer \(once)\n".utf8), to: header)
            let body = #"-H @\#(header) --data-binary {"name":"a","roles":["viewer"]}"#
            #expect(try await status(body, url + "/api/v1/tokens") == "401")
            try writeFile(Array("Authorization: Bearer \(second)\n".utf8), to: header)
            #expect(try await status(body, url + "/api/v1/tokens") == "201")
            #expect(try await status(body, url + "/api/v1/tokens") == "401")
            try await end(child)

            let (again, _) = try await start(fleet, on: database)
            #expect(!again.errors.contains("drv_"))
            try await end(again)
            let trail = try await tracker("audit", "list", "--database", database)
            for word in ["admin.first", "token.create", "token.revoke", "admin.reset", "unauthenticated", "bad-token"] {
                #expect(trail.output.contains(word), "\(word): \(trail.output)")
            }
            #expect(!trail.output.contains("drv_"))
        }
    }

    private static func isToken(_ text: String) -> Bool { text.utf8.count == 68 && text.hasPrefix("drv_") }

    @Test func `a backup comes back in a new epoch, and the trail shows it`() async throws {
        try await Fleet.run { fleet in
            let database = fleet.path("tracker.sqlite")
            try await fleet.publish("debian@1", in: "a", mebibytes: 1)
            let backup = fleet.path("backup.sqlite")
            let made = try await tracker("backup", "--database", database, backup)
            #expect(made.status == 0, "\(made)")
            #expect(try mode(backup) == 0o600)
            #expect(try await tracker("backup", "--database", database, backup).status == 5)
            #expect(try await tracker("backup", "--database", fleet.path("nope"), fleet.path("b")).status == 3)
            let refused = try await tracker("restore", "--database", database, backup)
            #expect(refused.status == 5 && refused.errors.contains("left alone"), "\(refused)")
            let head = try await tracker("audit", "verify", "--database", database)
            #expect(head.output.hasPrefix("1 record, head "), "\(head)")

            let restored = fleet.path("restored.sqlite")
            #expect(try await tracker("restore", "--database", restored, backup).status == 0)
            let (child, _) = try await start(fleet, on: restored)
            #expect(child.errors.contains("epoch 2 begins"))
            try await end(child)
            let (again, _) = try await start(fleet, on: restored)
            #expect(!again.errors.contains("epoch"))
            try await end(again)
            let trail = try await tracker("audit", "list", "--database", restored, "--format", "json")
            #expect(trail.lines.count == 3, "\(trail)")
            #expect(trail.lines.first?.contains("master.publish") == true)
            #expect(trail.output.contains(#""action":"epoch.begin""#))
            // The original never had the restored one's head, but the restored one had the original's.
            let old = try #require(head.output.split(separator: " ").last).trimmingSuffix { $0 == "\n" }
            #expect(try await tracker("audit", "verify", "--database", restored, "--head", String(old)).status == 0)
            let new = try await tracker("audit", "verify", "--database", restored).output
            let newest = try #require(new.split(separator: " ").last).trimmingSuffix { $0 == "\n" }
            #expect(try await tracker("audit", "verify", "--database", database, "--head", String(newest)).status == 8)
        }
    }

    @Test func `one tracker runs on a database`() async throws {
        try await Fleet.run { fleet in
            let database = fleet.path("fleet.sqlite")
            let (first, url) = try await start(fleet, on: database)
            let second = try await tracker("run", "--fleet", "--listen", "127.0.0.1:0", "--database", database)
            #expect(second.status == 5 && second.errors.contains("Another drover-tracker runs on"), "\(second)")
            #expect(try await status("", url + "/healthz") == "200")
            // Whoever was killed is in nobody's way.
            first.kill()
            try await end(try await start(fleet, on: database).0)
        }
    }

    @Test func `what is wrong on the command line says what to do`() async throws {
        try await Fleet.run { fleet in
            let database = fleet.path("tracker.sqlite")
            for words in [
                ["operator", "create", "--database", database, "--name", "a"],
                ["operator", "create", "--database", database, "--name", "a", "--role", "root"],
                ["operator", "create", "--database", database, "--name", "a", "--role", "viewer", "--line", "/"],
                ["operator", "create", "--database", database, "--name", "a", "--role", "viewer", "--days", "0"],
                ["audit", "list", "--database", database, "--last", "0"], ["backup", database],
            ] {
                let finished = try await ChildProcess.run(Program.tracker, words)
                #expect(finished.status == 2 && finished.output.isEmpty, "\(finished)")
            }
            for words in [["audit", "verify"], ["operator", "list"], ["admin", "reset"]] {
                let finished = try await ChildProcess.run(Program.tracker, words + ["--database", fleet.path("nope")])
                #expect(finished.status == 3 && finished.errors.contains("There is no database"), "\(finished)")
            }
            #expect(access(fleet.path("nope"), F_OK) != 0)
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(_ isDropped: (Character) -> Bool) -> String {
        var text = Substring(self)
        while let last = text.last, isDropped(last) { text.removeLast() }
        return String(text)
    }
}
