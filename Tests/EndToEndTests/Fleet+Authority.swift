// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Runs `drover-tracker`, which must end so.
@discardableResult
func trackerDoes(_ words: String, status: Int32 = 0) async throws -> ChildProcess.Finished {
    let finished = try await ChildProcess.run(
        Program.tracker, words.split(separator: " ").map(String.init), environment: [:], within: .seconds(60))
    guard finished.status == status else { throw TestFailure("\(finished)") }
    return finished
}

/// A tracker with an authority, and those whom it knows.
extension Fleet {
    var database: String { path("tracker.sqlite") }

    /// Makes an authority, and has the tracker run with it.
    func found(options: [String] = []) async throws {
        let made = try await trackerDoes("fleet create \(path("authority")) --name test")
        guard made.lines.first?.count == 64 else { throw TestFailure("\(made)") }
        try await stopTracker()
        try await startTracker(options: ["--authority", path("authority")] + options)
    }

    /// Ends the tracker in good order.
    func stopTracker() async throws {
        let old = try startedTracker
        old.signal(SIGTERM)
        _ = try await eventually("the tracker ends") { old.exitStatus }
    }

    /// A token that lets in one host of these names.
    func enrolmentToken(_ hosts: String, options: String = "") async throws -> String {
        try await trackerDoes(
            "token create --authority \(path("authority")) --database \(database) --hosts \(hosts) \(options)"
        ).lines[0]
    }

    func enrol(_ store: String, as name: String, options: String = "") async throws {
        let token = try await enrolmentToken("rack*-*", options: options)
        try await droverDoes("host enrol --tracker \(tracker) --token \(token) --name \(name) --store \(store)")
    }

    /// A file with an operator's token of one role.
    func operatorToken(_ role: String) async throws -> String {
        let made = try await trackerDoes("operator create --database \(database) --name \(role) --role \(role)")
        try writeFile(Array(made.output.utf8), to: path("\(role).token"))
        return path("\(role).token")
    }

    /// Three publishers of whom two must sign: the options of two of their keys, and a root.
    func publishers() async throws -> (keys: String, root: String) {
        var named = ""
        for name in ["alice", "bob", "carol"] {
            let key = try await droverDoes("key create \(path("\(name).key"))").lines[0]
            guard key.hasPrefix("ed25519:") else { throw TestFailure(key) }
            named += " --publisher \(name)=\(key)"
        }
        let root = path("root.json")
        let keys = "--key \(path("alice.key")) --key \(path("bob.key"))"
        try await droverDoes("trust create --threshold 2\(named) \(keys) -o \(root)")
        return (keys, root)
    }
}
