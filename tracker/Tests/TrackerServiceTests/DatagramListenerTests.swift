// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import SqliteStorage
import Subprocess
import SystemPackage
import Testing
import TrackerProtocol
import TrackerService

/// Announces over real UDP sockets, by clients that know nothing of this code.
@Suite struct DatagramListenerTests {
    /// Written from BEP 15 alone: a seed and a leecher announce, a scrape counts them, a forged id is refused.
    private static let client = """
        import os, socket, struct, sys
        host, port = sys.argv[1], int(sys.argv[2])
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.settimeout(10)
        client.connect((host, port))
        def ask(*parts):
            client.send(b''.join(parts))
            return client.recv(2048)
        answer = ask(struct.pack('>QII', 0x41727101980, 0, 77))
        action, transaction, number = struct.unpack('>IIQ', answer)
        assert (action, transaction) == (0, 77), answer
        def announce(number, port, left):
            return ask(struct.pack('>QII', number, 1, 78), b'h' * 20, b'p%019d' % port,
                       struct.pack('>QQQIIIiH', 0, left, 0, 2, 0, 9, -1, port))
        assert struct.unpack('>IIIII', announce(number, 4001, 0)[:20])[3:] == (0, 1)
        answer = announce(number, 4002, 5)
        action, transaction, interval, leechers, seeds = struct.unpack('>IIIII', answer[:20])
        assert (action, transaction, leechers, seeds) == (1, 78, 1, 1) and 5 <= interval <= 20, answer
        own = client.getsockname()[0]
        assert answer[20:] == socket.inet_pton(family, own) + struct.pack('>H', 4001), answer
        counts = ask(struct.pack('>QII', number, 2, 79), b'h' * 20, b'x' * 20)
        assert struct.unpack('>IIIIIIII', counts) == (2, 79, 1, 0, 1, 0, 0, 0), counts
        assert struct.unpack('>II', announce(number ^ 1, 4003, 5)[:8]) == (3, 78)
        # Many at once, from a second socket of the same address.
        other = socket.socket(family, socket.SOCK_DGRAM)
        other.settimeout(10)
        for start in range(0, 1000, 50):
            for one in range(start, start + 50):
                other.sendto(struct.pack('>QII', number, 1, one) + b'm' * 20 + b'm%019d' % one
                             + struct.pack('>QQQIIIiH', 0, 1, 0, 2, 0, 9, 10, 5000 + one), (host, port))
            heard = {struct.unpack('>II', other.recv(2048)[:8]) for one in range(50)}
            assert heard == {(1, one) for one in range(start, start + 50)}, heard
        print('good')
        """

    /// libtorrent announces and scrapes; it prints the peers and counts that it was told of.
    private static let libtorrent = """
        import libtorrent, sys, tempfile, time
        host, port = sys.argv[1], sys.argv[2]
        settings = {'listen_interfaces': sys.argv[3], 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                    'enable_natpmp': False, 'alert_mask': libtorrent.alert.category_t.all_categories,
                    'announce_to_all_trackers': True}
        session = libtorrent.session(settings)
        magnet = libtorrent.parse_magnet_uri('magnet:?xt=urn:btih:' + '68' * 20)
        magnet.trackers = ['udp://%s:%s/announce' % ('[%s]' % host if ':' in host else host, port)]
        magnet.save_path = tempfile.mkdtemp()
        handle = session.add_torrent(magnet)
        told = counted = None
        end = time.monotonic() + 60
        while (told is None or counted is None) and time.monotonic() < end:
            session.wait_for_alert(500)
            for alert in session.pop_alerts():
                if isinstance(alert, libtorrent.tracker_error_alert):
                    sys.exit(alert.message())
                if isinstance(alert, libtorrent.tracker_reply_alert):
                    told = alert.num_peers
                    handle.scrape_tracker()
                if isinstance(alert, libtorrent.scrape_reply_alert):
                    counted = alert.complete, alert.incomplete
        print(told, counted)
        """

    private func python(_ script: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path("/usr/bin/python3"), arguments: Arguments(["-c", script] + arguments), output: .string(limit: 65536),
            error: .string(limit: 65536))
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// The client takes answers only from the address that it asked, which at 127.0.0.2 is not the one that routing picks.
    @Test(arguments: [
        ("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "127.0.0.1"), ("[::]:0", "::1"),
        ("0.0.0.0:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "127.0.0.2"),
    ])
    func `a client of BEP 15 announces, scrapes and cannot forge`(_ listen: String, _ host: String) async throws {
        try await withRunningTracker(datagrams: [listen]) { _, trackers in
            let port = try #require(trackers.first).port
            #expect(try await python(Self.client, [host, "\(port)"]) == "good")
        }
    }

    @Test(arguments: [("127.0.0.1:0", "127.0.0.1", "127.0.0.1:0"), ("[::1]:0", "::1", "[::1]:0")])
    func `libtorrent announces and scrapes over UDP`(_ listen: String, _ host: String, _ own: String) async throws {
        try await withRunningTracker(datagrams: [listen]) { _, trackers in
            let port = try #require(trackers.first).port
            #expect(try await python(Self.client, [host, "\(port)"]) == "good")
            // Of the two that the first client has announced it is told, and it counts itself.
            #expect(try await python(Self.libtorrent, [host, "\(port)", own]) == "2 (1, 2)")
        }
    }

    @Test func `an address that is taken is said so`() async throws {
        try await withRunningTracker(datagrams: ["127.0.0.1:0"]) { _, trackers in
            let taken = try #require(trackers.first)
            try await withTemporaryFolder { folder in
                let server = TrackerServer(
                    configuration: TrackerConfiguration(listen: [], datagrams: [taken]),
                    storage: try SqliteStorage(path: folder + "/tracker.sqlite"), logger: .quiet)
                do throws(TrackerError) {
                    try await server.run(signals: false, onListening: { _ in })
                    Issue.record("two trackers take datagrams at one address")
                } catch {
                    #expect("\(error)".contains("--udp"))
                }
            }
        }
    }
}
