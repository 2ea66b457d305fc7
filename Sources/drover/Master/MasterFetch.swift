// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PeerService
import Trust

struct MasterFetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch a master from its swarm, verify it, register it, and make clones of it at once.",
        discussion: """
            The peer that runs on the store fetches; the command returns as soon as that is under way, or with --wait \
            when the master and its clones are ready. An interrupted fetch goes on where it was when the peer starts \
            again. Where no peer runs, this command fetches by itself until it is done.

              drover master fetch debian --tracker http://tracker:6969 --clone web --count 4 --wait
              drover master fetch golden.torrent --as golden@7
            """)

    @Argument(
        help: ArgumentHelp("A .torrent file, or NAME or NAME@VERSION from a tracker's catalogue.", valueName: "master"),
        completion: .file(extensions: ["torrent"]))
    var source: String

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Register it under this name instead of the torrent's own.", valueName: "name@version"))
    var rename: String?

    @Option(
        name: .customLong("tracker"),
        help: ArgumentHelp("A tracker to ask, beside those of the torrent and the peer.", valueName: "url"))
    var trackers: [String] = []

    @Option(help: ArgumentHelp("Make this clone the moment the master is registered.", valueName: "clone"))
    var clone: String?

    @Option(help: ArgumentHelp("Make clones CLONE-1 to CLONE-K instead of one.", valueName: "k"))
    var count: Int?

    @Option(help: ArgumentHelp("How clones are made: auto, qcow2, reflink, copy or vhd.", valueName: "backend"))
    var backend = "auto"

    @Option(
        help: ArgumentHelp(
            "The signed statement about it, where that does not come from a tracker.", valueName: "file"),
        completion: .file())
    var statement: String?

    @Flag(help: "Also what no publisher that this host trusts has signed; this is put on record.")
    var unsigned = false

    @Flag(help: "Wait until the master is registered and its clones are made.")
    var wait = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if count != nil, clone == nil { throw ValidationError("--count needs --clone, the clones' common name") }
    }

    func run() async throws {
        let order = HostRequest.Fetch(
            source: try origin(), rename: rename, trackers: trackers, clone: clone, count: count, backend: backend,
            statement: try statement.map { path throws(HostFailure) in Data(try EnvelopeFile.read(path).json) },
            unsigned: unsigned)
        switch try await store.access(create: true) {
        case .peer(let peer):
            let name = try await begin(order, peer)
            if wait { return try await follow(name, peer) }
            if !output.quiet { Terminal.note("fetching \(name); `drover status --watch` shows how far it is") }
        case .owned(let host):
            try await TemporaryPeer.run(on: host) { peer in
                // A fetch that is refused is told in one line.
                let name = try await begin(order, peer)
                if !output.quiet, !wait { Terminal.note("no peer runs on \(store.root): fetching in the foreground") }
                try await follow(name, peer)
            }
        }
    }

    private func origin() throws -> HostRequest.Fetch.Source {
        if source.hasSuffix(".torrent") || source.contains("/") {
            return .torrent(Data(try TorrentOnDisk.read(source)))
        }
        return .catalogue(try MasterReference(source))
    }

    private func begin(_ order: HostRequest.Fetch, _ service: any HostService) async throws -> String {
        guard case .fetching(let name, _) = try await service.perform(.fetch(order), progress: { _ in }) else {
            throw HostFailure.unexpectedReply
        }
        return name
    }

    /// Shows the fetch until the master and its clones are there.
    private func follow(_ name: String, _ service: any HostService) async throws {
        let line = ProgressLine(isQuiet: output.quiet)
        defer { line.end() }
        let master = try MasterReference(name)
        // Who watches wants to see it move; who does not wants to hear of the end.
        let pause = output.quiet ? 60_000 : Terminal.isInteractive ? 200 : 2000
        var wait = 0
        while true {
            let request = HostRequest.awaitMaster(master, milliseconds: wait)
            guard case .status(let status) = try await service.perform(request, progress: { _ in }),
                let entry = status.masters.first(where: { "\($0.name)@\($0.version)" == name })
            else { throw HostFailure(.notFound, "\(name) was removed while it was fetched") }
            switch entry.state {
            case "registered":
                line.end()
                if let failure = entry.failure {
                    throw HostFailure(.partial, "\(name) is registered, but its clones could not be made: \(failure)")
                }
                return try await show(name, entry, service)
            case "failed":
                throw HostFailure(.failed, "the fetch of \(name) stopped: \(entry.failure ?? "no reason is known")")
            default: line.show(StatusText.progress(entry, trackers: status.trackers))
            }
            try Task.checkCancellation()
            wait = pause
        }
    }

    private func show(_ name: String, _ entry: StatusReport.Entry, _ service: any HostService) async throws {
        guard output.format == .table else { return try OutputOptions.json(entry) }
        guard let clone else {
            guard
                case .master(let report) = try await service.perform(
                    .showMaster(MasterReference(name)), progress: { _ in })
            else { throw HostFailure.unexpectedReply }
            return Terminal.data(report.path)
        }
        let names = count.map { (1...max(1, $0)).map { "\(clone)-\($0)" } } ?? [clone]
        for name in names {
            guard case .clone(let report) = try await service.perform(.showClone(name), progress: { _ in }) else {
                throw HostFailure.unexpectedReply
            }
            Terminal.data(report.path)
        }
    }
}
