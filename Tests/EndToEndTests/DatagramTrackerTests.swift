// SPDX-License-Identifier: Apache-2.0

import Testing

extension EndToEnd {
    /// Trackers over UDP (BEP 15), and several trackers (BEP 12).
    @Suite struct OtherTrackers {
        /// A tracker over UDP, written from the specification alone. Before each true answer it sends a forged one and
        /// nonsense. It prints its port, and then the event of each announce.
        private static let script = """
            import os, socket, struct, sys
            family = socket.AF_INET6 if sys.argv[1] == '::1' else socket.AF_INET
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((sys.argv[1], 0))
            print('port', server.getsockname()[1], flush=True)
            swarms, ids = {}, set()
            while True:
                data, address = server.recvfrom(2048)
                if len(data) < 16:
                    continue
                first, action, transaction = struct.unpack('>QII', data[:16])
                server.sendto(struct.pack('>IIQ', 0, transaction ^ 1, 666), address)
                server.sendto(b'nonsense' * 3, address)
                if action == 0 and first == 0x41727101980:
                    ids.add(number := int.from_bytes(os.urandom(8), 'big'))
                    server.sendto(struct.pack('>IIQ', 0, transaction, number), address)
                elif action == 1 and first in ids and len(data) >= 98:
                    event, = struct.unpack('>I', data[80:84])
                    peer = socket.inet_pton(family, address[0]) + data[96:98]
                    swarm = swarms.setdefault(data[16:36], set())
                    swarm.discard(peer) if event == 3 else swarm.add(peer)
                    others = b''.join(swarm - {peer})
                    server.sendto(struct.pack('>IIIII', 1, transaction, 5, 0, len(swarm)) + others, address)
                    print('event', event, flush=True)
            """

        private func lines(_ child: ChildProcess) -> [String] { child.output.split(separator: "\n").map(String.init) }

        @Test(arguments: ["127.0.0.1", "::1"])
        func `peers find each other through a tracker over UDP`(_ host: String) async throws {
            let literal = host.contains(":") ? "[\(host)]" : host
            try await Fleet.run(on: literal) { fleet in
                let tracker = try fleet.start("/usr/bin/python3", ["-c", Self.script, host])
                let port = try await eventually("the tracker listens") {
                    lines(tracker).first.flatMap { $0.split(separator: " ").last }.map(String.init)
                }
                let (image, torrent) = (fleet.path("base.img"), fleet.path("base.torrent"))
                try makeImage(image, mebibytes: 4)
                try await droverDoes(
                    "master create \(image) --name base --version 1 --store \(fleet.path("seed")) --out \(torrent) "
                        + "--tracker udp://\(literal):\(port)/announce")
                let seed = try await fleet.peer("seed", withTracker: false)
                let peer = try await fleet.peer("host", withTracker: false)
                try await droverDoes("master fetch \(torrent) --wait --store \(peer.store)")
                #expect(try await areIdentical(image, peer.master("base@1")))
                #expect(try await seed.status().trackers.map(\.state) == ["ok"])
                // One that stops at once says that instead.
                try await eventually("started and completed were announced") {
                    Set(lines(tracker)).isSuperset(of: ["event 1", "event 2"])
                }
                peer.process.signal(15)
                try await eventually("stopped was announced") { lines(tracker).contains("event 3") }
                try await droverRefuses(
                    "master publish base@1 --tracker udp://\(literal):\(port) --store \(seed.store)", with: 2,
                    saying: "no catalogue")
            }
        }

        @Test func `a torrent's other tracker is tried when the first does not answer`() async throws {
            try await Fleet.run { fleet in
                let (image, torrent) = (fleet.path("base.img"), fleet.path("base.torrent"))
                try makeImage(image, mebibytes: 4)
                // Nobody listens at port 1.
                try await droverDoes(
                    "master create \(image) --name base --version 1 --store \(fleet.path("seed")) --out \(torrent) "
                        + "--tracker http://127.0.0.1:1 --tracker \(fleet.tracker)")
                _ = try await fleet.peer("seed", withTracker: false)
                let peer = try await fleet.peer("host", withTracker: false)
                try await droverDoes("master fetch \(torrent) --wait --store \(peer.store)")
                #expect(try await areIdentical(image, peer.master("base@1")))
                let states = try await peer.status().trackers.map(\.state)
                #expect(
                    states.count == 2 && states.contains("ok") && states.contains { $0.contains("cannot be reached") })
            }
        }
    }
}
