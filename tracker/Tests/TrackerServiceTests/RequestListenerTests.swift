// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage
import Testing
import TrackerProtocol

/// Announces over HTTP in every shape in which they may arrive: those that are answered at once, and those for which there is
/// a whole HTTP server.
@Suite struct RequestListenerTests {
    /// Written for this test: says what came back for each request, and whether the connection went on.
    private static let client = """
        import socket, sys
        port = int(sys.argv[1])
        query = 'info_hash=' + 'h' * 20 + '&peer_id=' + 'p' * 20 + '&port=4001&left=5' + sys.argv[2]
        line = 'GET /announce?%s HTTP/1.1\\r\\n' % query
        def answers(*parts, count=1):
            with socket.create_connection(('127.0.0.1', port), 60) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                got = b''
                for part in parts:
                    client.sendall(part.encode())
                found = []
                while len(found) < count:
                    head, mark, rest = got.partition(b'\\r\\n\\r\\n')
                    fields = dict(one.split(': ', 1) for one in head.decode().lower().split('\\r\\n')[1:]) if mark else {}
                    length = int(fields.get('content-length', 0))
                    if mark and len(rest) >= length:
                        body, got = rest[:length], rest[length:]
                        found.append((head.split()[1].decode(), body[:10].decode(), fields.get('retry-after')))
                        continue
                    more = client.recv(65536)
                    assert more, (found, got)
                    got += more
                if 'close' not in parts[-1] and '1.0' not in parts[-1]:
                    client.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
                    assert client.recv(65536).startswith(b'HTTP/1.1 200'), 'the connection does not go on'
                else:
                    assert client.recv(65536) == b'', 'the connection does not end'
                return found
        host = 'Host: x\\r\\n'
        shapes = [
            answers(line + host + '\\r\\n'),
            answers(line + host + 'connection: Keep-Alive\\r\\nX: y\\r\\n\\r\\n'),
            answers(line + host + 'Connection: close\\r\\n\\r\\n'),
            answers(line.replace('HTTP/1.1', 'HTTP/1.0') + '\\r\\n'),
            answers(line[:50], line[50:] + host, '\\r\\n'),
            answers(line + host + 'Content-Length: 0\\r\\n\\r\\n'),
            answers((line + host + '\\r\\n') * 3, count=3),
            answers(line + host + '\\r\\nGET /healthz HTTP/1.1\\r\\n' + host + '\\r\\n' + line + host + '\\r\\n', count=3),
        ]
        for shape in shapes:
            print(shape)
        scrape = answers('GET /scrape?info_hash=' + 'h' * 20 + ' HTTP/1.1\\r\\n' + host + '\\r\\n')
        print(scrape)
        def whole(text):
            with socket.create_connection(('127.0.0.1', port), 60) as client:
                client.sendall(text.encode())
                got = b''
                try:
                    while more := client.recv(65536):
                        got += more
                except ConnectionResetError:
                    got += b' reset'
                return got
        # What is not read when a connection is closed must not take the answer along.
        got = whole(line + host + 'Connection: close\\r\\n\\r\\n' + 'GET /healthz HTTP/1.1\\r\\n\\r\\n' * 500)
        print(got.split(b' ')[1], b'd8:complet' in got)
        # No field to the letter is one for either.
        for odd in ['X y: z', 'X : y', ': y', 'X\\x01: y', 'X: \\x01']:
            got = whole(line + host + odd + '\\r\\n\\r\\n')
            print(got.split(b' ')[1])
        """

    private func lines(_ port: UInt16, _ more: String) async throws -> [String] {
        let result = try await Subprocess.run(
            .path("/usr/bin/python3"), arguments: ["-c", Self.client, "\(port)", more], output: .string(limit: 65536),
            error: .string(limit: 65536))
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    @Test func `every shape of an announce has the same answer, and the connection goes on as it should`() async throws
    {
        try await withRunningTracker { trackers in
            let found = try await lines(try #require(trackers.first).port, "")
            let answer = "('200', 'd8:complet', None)"
            let health = "('200', '{\"peers\":1', None)"
            #expect(found.count == 15)
            #expect(found.prefix(6).allSatisfy { $0 == "[\(answer)]" }, "\(found)")
            #expect(found.dropFirst(6).first == "[\(answer), \(answer), \(answer)]")
            #expect(found.dropFirst(7).first == "[\(answer), \(health), \(answer)]")
            #expect(found.dropFirst(8).first == "[('200', 'd5:filesd2', None)]")
            #expect(found.dropFirst(9).first == "b'200' True")
            #expect(found.dropFirst(10).allSatisfy { $0 == "b'400'" }, "\(found)")
        }
    }

    @Test func `a tracker that is behind turns regular announces away and says when to come back`() async throws {
        try await withRunningTracker(datagrams: [], lag: { .seconds(1) }) { trackers, _ in
            let port = try #require(trackers.first).port
            // Whoever is not known tells something new.
            _ = try await lines(port, "&event=started")
            let regular = try await lines(port, "")
            #expect(regular.prefix(6).allSatisfy { $0.hasPrefix("[('503', '', '") })
            let waits = regular.prefix(6).compactMap { $0.split(separator: "'").dropFirst(4).first.flatMap { Int($0) } }
            #expect(waits.count == 6 && waits.allSatisfy { (10...30).contains($0) }, "\(regular)")
            for event in ["started", "completed", "stopped"] {
                let found = try await lines(port, "&event=\(event)")
                #expect(found.first == "[('200', 'd8:complet', None)]")
            }
        }
    }
}
