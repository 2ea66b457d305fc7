// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import ImageStore
import NIOPosix
import PeerService

/// Which store a command is about.
struct StoreOptions: ParsableArguments {
    /// Where a packaged peer keeps its store.
    static let standard = "/var/lib/drover"
    private static let lockPatience = Duration.seconds(5)

    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "The store's folder. (default: DROVER_STORE, or else \(Self.standard))", valueName: "dir"),
        completion: .directory)
    var path: String?

    /// The store's directory as the user means it.
    var root: String { path ?? Self.usual }

    /// The store of commands that name none.
    static var usual: String {
        let environment = getenv("DROVER_STORE").map { String(cString: $0) }
        return environment.flatMap { $0.isEmpty ? nil : $0 } ?? standard
    }

    var layout: StoreLayout { StoreLayout(root: StoreLayout.resolve(root)) }

    /// Who answers for a store.
    enum Access {
        /// The peer that runs on it.
        case peer(ControlClient)
        /// This process, which holds its lock.
        case owned(Host)
    }

    /// Finds out who answers for the store. Its lock is held for a moment by any command, and by a peer that does not
    /// answer yet while it starts: only who still meets it after a few seconds meets somebody who stays.
    /// - Parameter create: whether a store is made where there is none.
    func access(create: Bool) async throws(HostFailure) -> Access {
        let start = ContinuousClock.now
        while true {
            if let peer = try await runningPeer() { return .peer(peer) }
            do {
                return .owned(try host(create: create))
            } catch {
                guard error.isStoreInUse, start.duration(to: .now) < Self.lockPatience else { throw error }
            }
            try? await Task.sleep(for: .milliseconds(50))
            if Task.isCancelled { throw HostFailure(CancellationError()) }
        }
    }

    /// Whoever answers for the store, for requests that both can carry out.
    func service(create: Bool = false) async throws(HostFailure) -> any HostService {
        switch try await access(create: create) {
        case .peer(let client): client
        case .owned(let host): host
        }
    }

    /// The peer that runs on the store, if one does.
    func runningPeer() async throws(HostFailure) -> ControlClient? {
        guard Glibc.access(layout.controlSocket, F_OK) == 0 else { return nil }
        let client = try ControlClient(layout)
        return await client.isRunning() ? client : nil
    }

    /// One pool however often the store is tried.
    private static let threads = {
        let threads = NIOThreadPool(numberOfThreads: max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        threads.start()
        return threads
    }()

    private func host(create: Bool) throws(HostFailure) -> Host {
        try Host(
            root: root, create: create, threads: Self.threads,
            trackerAuthorities: try TrackerCredentialOptions.standardAuthorities())
    }

    /// Asks for one thing and shows how far it has come.
    func ask(
        _ request: HostRequest, create: Bool = false, quiet: Bool = false
    ) async throws -> HostReply {
        let line = ProgressLine(isQuiet: quiet)
        defer { line.end() }
        return try await service(create: create).perform(request) { line.show($0) }
    }
}

extension HostFailure {
    /// The answer to a request was of a kind that does not belong to it.
    static let unexpectedReply = HostFailure(
        .failed, "the running peer gave an answer that does not fit; is it another version?")
}
