// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Logging
import NIOPosix
import PeerService
import Supervision
import TrackerProtocol

/// `drover peer`: the program that runs on every host.
struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Run this host's peer.", subcommands: [PeerRun.self])
}

struct PeerRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve the store's masters, go on with its fetches, and take orders from the command line.",
        discussion: """
            Runs in the foreground until it is interrupted or terminated. Other commands reach it through the control \
            socket in its store. Only one peer can run on a store.
            """)

    @Option(
        name: .customLong("listen"),
        help: ArgumentHelp(
            "Where other peers connect, such as 10.0.0.5:6881 or [::]:6881; port 0 takes any. May be given more than "
                + "once. (default: every address, port \(PeerConfiguration.defaultPort))",
            valueName: "addr:port"))
    var listen: [String] = []

    @Option(
        name: .customLong("tracker"),
        help: ArgumentHelp("A tracker to announce every master to. May be given more than once.", valueName: "url"))
    var trackers: [String] = []

    @Option(
        name: .customLong("allow-network"),
        help: ArgumentHelp(
            "A network whose hosts this peer connects with, such as 10.0.0.0/8, or 0.0.0.0/0 and ::/0 for all. May be "
                + "given more than once. (default: private, loopback and link-local addresses)", valueName: "prefix"))
    var networks: [String] = []

    @Flag(
        help: ArgumentHelp(
            "Take connections without TLS from other machines although the host is enrolled in a fleet; they reach open "
                + "masters only. A host that is not enrolled always does."))
    var openSwarm = false

    @Option(
        help: ArgumentHelp(
            "The rack in which this host stands: trackers then name peers of the same rack first, so that an image "
                + "enters a rack only a few times. Up to \(RackName.maximumByteCount) letters, digits, -, _ and .",
            valueName: "name"))
    var rack: String?

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp(
            "Something by which rollouts choose hosts, such as role=web. May be given more than once; --rack is a label "
                + "too, and hypervisor (kvm, xen, virtualbox or qemu) is one by itself where it is not given.",
            valueName: "key=value"))
    var labels: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where Prometheus may read this peer's metrics, such as 127.0.0.1:9466. Whoever reaches it may read them. "
                + "(default: only at /metrics on the control socket, for the store's owner)", valueName: "addr:port"))
    var metrics: String?

    @OptionGroup(title: "How a master is probed on this host when a rollout wants it")
    var probe: RolloutProbeOptions

    @Option(help: ArgumentHelp("How much is logged: trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel = "info"

    @OptionGroup var store: StoreOptions

    func run() async throws {
        var configuration = PeerConfiguration(store: store.root)
        configuration.isOpenSwarm = openSwarm
        for text in listen {
            guard let address = PeerAddress(parsing: text) else {
                throw HostFailure(.usage, "--listen \(text) is not ADDRESS:PORT, such as 10.0.0.5:6881 or [::1]:6881")
            }
            configuration.listen.append(address)
        }
        if let metrics {
            guard let address = PeerAddress(parsing: metrics) else {
                throw HostFailure(
                    .usage, "--metrics \(metrics) is not ADDRESS:PORT, such as 127.0.0.1:9466 or [::1]:9466")
            }
            configuration.metrics = address
        }
        for text in trackers {
            guard let url = TrackerURL(text) else {
                throw HostFailure(.usage, "--tracker \(text) is not a URL, such as http://tracker:6969")
            }
            configuration.trackers.append(url)
        }
        let prefixes = try networks.map { text in
            guard let prefix = NetworkPrefix(parsing: text) else {
                throw HostFailure(
                    .usage, "--allow-network \(text) is not ADDRESS/BITS, such as 10.0.0.0/8 or fd00::/8")
            }
            return prefix
        }
        if !prefixes.isEmpty { configuration.networks = prefixes }
        if let rack {
            guard let name = RackName(rack) else {
                throw HostFailure(
                    .usage,
                    "--rack '\(rack)' is no rack's name; use up to \(RackName.maximumByteCount) letters, digits, -, _ and ."
                )
            }
            configuration.rack = name
        }
        configuration.labels = try HostLabels.read(labels, rack: rack)
        configuration.probe = try probe.wish
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw HostFailure(.usage, "there is no log level '\(logLevel)'; use info, or debug to see more")
        }
        var log = Logger(label: "drover", factory: { ServiceLog.handler(label: $0) })
        log.logLevel = level
        // A large fleet needs more descriptors than the shell's usual limit.
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard case .owned(let host) = try await store.access(create: true) else {
            throw HostFailure(
                .conflict,
                "a peer is running on \(store.root) already; stop it first, or name another store with --store")
        }
        try await PeerProcess.run(host: host, configuration: configuration, log: log) { peer in
            ServiceNotice.ready("serving \(store.root)").send()
            try await PeerProcess.untilCancelled(peer)
            ServiceNotice.stopping.send()
        }
    }
}
