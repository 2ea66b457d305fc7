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

    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "The store's directory. (default: DROVER_STORE, or else \(Self.standard))", valueName: "dir"),
        completion: .directory)
    var path: String?

    /// The store's directory as the user means it.
    var root: String {
        let environment = getenv("DROVER_STORE").map { String(cString: $0) }
        return path ?? environment.flatMap { $0.isEmpty ? nil : $0 } ?? Self.standard
    }

    var layout: StoreLayout { StoreLayout(root: StoreLayout.resolve(root)) }

    /// Whoever can answer for the store: the peer that runs on it, or this process under the store's lock.
    /// - Parameter create: whether a store is made where there is none.
    func service(create: Bool = false) async throws(HostFailure) -> any HostService {
        if let peer = try await runningPeer() { return peer }
        return try host(create: create)
    }

    /// The peer that runs on the store, if one does.
    func runningPeer() async throws(HostFailure) -> ControlClient? {
        guard access(layout.controlSocket, F_OK) == 0 else { return nil }
        let client = try ControlClient(layout)
        return await client.isRunning() ? client : nil
    }

    /// This process as the store's owner.
    func host(create: Bool) throws(HostFailure) -> Host {
        let threads = NIOThreadPool(numberOfThreads: max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        threads.start()
        return try Host(root: root, create: create, threads: threads)
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
