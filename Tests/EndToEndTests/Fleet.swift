// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

/// A tracker and peers on loopback, each peer on a store of its own, all in one temporary folder.
final class Fleet: Sendable {
    let folder: TemporaryDirectory
    private let started = Mutex<[ChildProcess]>([])
    private let trackerAddress: Mutex<String>
    private let isTLS = Mutex(false)

    private init(loopback: String) throws {
        folder = try TemporaryDirectory()
        trackerAddress = Mutex("\(loopback):0")
        self.loopback = loopback
    }

    /// The address everything listens at.
    let loopback: String

    /// Runs a test on a fleet with a tracker, and stops everything it started, the last first, however it ends. When it
    /// fails the programs' own words are part of the failure.
    static func run(on loopback: String = "127.0.0.1", _ body: (Fleet) async throws -> Void) async throws {
        let fleet = try Fleet(loopback: loopback)
        do {
            try await fleet.startTracker()
            try await body(fleet)
            await fleet.stop()
        } catch {
            let words = fleet.started.withLock { $0 }.map { "--- \($0.command)\n\($0.errors.suffix(4000))" }
            await fleet.stop()
            throw TestFailure("\(error)\n\(words.joined(separator: "\n"))")
        }
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    // MARK: Processes

    /// Starts a program that ends with the fleet.
    func start(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
        let child = try ChildProcess(program, arguments, environment: environment)
        started.withLock { $0.append(child) }
        return child
    }

    private func stop() async {
        let children = started.withLock { $0 }
        for child in children.reversed() {
            child.signal(SIGCONT)
            child.kill()
        }
    }

    // MARK: Tracker

    /// The tracker that was started last.
    var startedTracker: ChildProcess {
        get throws {
            let child = started.withLock { $0.last { $0.command.hasPrefix("drover-tracker") } }
            guard let child else { throw TestFailure("no tracker was started") }
            return child
        }
    }

    var tracker: String { (isTLS.withLock { $0 } ? "https://" : "http://") + trackerAddress.withLock { $0 } }

    /// Starts the tracker; after it was stopped, at the address it had.
    @discardableResult
    func startTracker(options: [String] = []) async throws -> ChildProcess {
        let address = trackerAddress.withLock { $0 }
        let child = try start(
            Program.tracker, ["run", "--listen", address, "--database", path("tracker.sqlite")] + options)
        let taken = try await eventually("the tracker listens") { () throws -> String? in
            if child.exitStatus != nil { throw TestFailure("the tracker ended: \(child.errors)") }
            return child.errors.split(separator: "\n").first { $0.hasPrefix("listening on ") }
                .flatMap { $0.dropFirst("listening on ".count).split(separator: ";").first }.map(String.init)
        }
        trackerAddress.withLock { $0 = taken }
        isTLS.withLock { $0 = options.contains("--tls") }
        return child
    }

    // MARK: Peers

    /// Starts a peer on a store of this name, or on another path.
    func peer(
        _ name: String, store: String? = nil, listen: String? = nil, withTracker: Bool = true, options: String = ""
    ) async throws -> FleetPeer {
        let store = store ?? path(name)
        let child = try startPeer(
            store, listen: listen ?? "\(loopback):0", withTracker: withTracker, options: options)
        let peer = FleetPeer(fleet: self, store: store, child: child)
        try await peer.isReady()
        return peer
    }

    func startPeer(
        _ store: String, listen: String, withTracker: Bool = true, options: String = ""
    ) throws -> ChildProcess {
        let words = options.split(separator: " ").map(String.init)
        let arguments = ["peer", "run", "--store", store, "--listen", listen] + words
        return try start(Program.drover, arguments + (withTracker ? ["--tracker", tracker] : []))
    }

    /// Makes a master of random bytes in the store `name` and publishes it.
    /// - Parameter namesTracker: whether the torrent itself names the tracker.
    /// - Returns: the source image.
    @discardableResult
    func publish(
        _ master: String, in name: String, mebibytes: Int, seed: UInt64 = 1, options: String = "",
        namesTracker: Bool = true
    ) async throws -> String {
        let parts = master.split(separator: "@")
        let image = try makeImage(path("\(master).img"), mebibytes: mebibytes, seed: seed)
        try await droverDoes(
            "master create \(image) --name \(parts[0]) --version \(parts[1]) --store \(path(name)) \(options)"
                + (namesTracker ? " --tracker \(tracker)" : ""))
        try await droverDoes("master publish \(master) --tracker \(tracker) --store \(path(name))")
        return image
    }
}

/// One running peer of a fleet.
final class FleetPeer: Sendable {
    let store: String
    private let fleet: Fleet
    private let current: Mutex<ChildProcess>

    init(fleet: Fleet, store: String, child: ChildProcess) {
        self.fleet = fleet
        self.store = store
        current = Mutex(child)
    }

    var process: ChildProcess { current.withLock { $0 } }

    /// Waits until the peer answers at its control socket.
    @discardableResult
    func isReady() async throws -> StatusDocument {
        let child = process
        return try await eventually("the peer on \(store) answers") { () throws -> StatusDocument? in
            if child.exitStatus != nil { throw TestFailure("the peer ended: \(child.errors)") }
            return try StatusDocument.ask(store: store)
        }
    }

    func status() async throws -> StatusDocument { try await isReady() }

    /// Starts the peer again on its store.
    func restart(withTracker: Bool = true) async throws -> StatusDocument {
        let child = try fleet.startPeer(store, listen: "\(fleet.loopback):0", withTracker: withTracker)
        current.withLock { $0 = child }
        return try await isReady()
    }

    /// Waits until a master is registered.
    @discardableResult
    func registered(_ master: String, within limit: Duration = .seconds(60)) async throws -> StatusDocument.Entry {
        try await eventually("\(master) is registered in \(store)", within: limit) {
            () throws -> StatusDocument.Entry? in
            let entry = try StatusDocument.ask(store: store)?.master(master)
            if entry?.state == "failed" { throw TestFailure("\(master) failed: \(entry?.failure ?? "")") }
            return entry?.state == "registered" ? entry : nil
        }
    }

    /// Waits until so many bytes of a master are verified.
    @discardableResult
    func verified(_ master: String, bytes: Int64) async throws -> StatusDocument.Entry {
        try await eventually(
            "\(bytes) bytes of \(master) are verified in \(store)", within: .seconds(90), every: .milliseconds(20)
        ) {
            let entry = try StatusDocument.ask(store: store)?.master(master)
            return (entry?.bytesVerified ?? 0) >= bytes ? entry : nil
        }
    }

    func master(_ name: String) -> String { "\(store)/masters/\(name).raw" }
}

/// A port of loopback that is free at the moment.
func freePort() async throws -> String {
    try await tool(
        "/usr/bin/python3",
        ["-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1], end='')"])
}
