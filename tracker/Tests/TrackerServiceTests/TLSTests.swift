// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FoundationEssentials
import Logging
import OperatorAccess
import SqliteStorage
import Subprocess
import Synchronization
import Testing
import TrackerProtocol
import TrackerService
import TrackerStorage

/// A fleet's tracker behind TLS, asked by curl.
@Suite struct TLSTests {
    private struct Scene: Sendable {
        let folder: String
        let authority: FleetAuthority
        let storage: SqliteStorage
        let clock: Clock
        /// Where it speaks TLS, and where it takes announces without.
        let secure: PeerAddress
        let plain: PeerAddress

        final class Clock: Sendable {
            private let ahead = Mutex<Int64>(0)
            var now: Int64 { Int64(Date.now.timeIntervalSince1970) + ahead.withLock { $0 } }
            func step(days: Int64) { ahead.withLock { $0 += days * 86_400 } }
        }

        /// What curl is answered; nothing but its exit status when there is no answer.
        func curl(_ words: [String], _ url: String) async throws -> String {
            let result = try await Subprocess.run(
                .name("curl"),
                arguments: Arguments(
                    ["-sS", "--max-time", "20", "-w", "\n%{http_code}"] + words + [url]),
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            guard case .exited(0) = result.terminationStatus else { return "\(result.terminationStatus)" }
            return result.standardOutput
        }

        func ask(_ path: String, _ words: [String] = []) async throws -> String {
            try await curl(["--cacert", "\(folder)/authority.pem"] + words, "https://\(secure)/\(path)")
        }

        /// A certificate of some authority, in a file for curl, and known to the tracker or not.
        func host(
            _ name: String, of other: FleetAuthority? = nil, isKnown: Bool = true, now: Date = Date(),
            expires: Int64 = Int64.max / 2
        ) async throws -> (words: [String], serial: String) {
            let key = IdentityKey()
            let holder = try #require(CertificateHolder.host(named: name))
            let certificate = try (other ?? authority).issue(CertificateRequest(for: key), to: holder, now: now)
            if isKnown {
                let digest = Array("\(name)\(certificate.serial)".utf8.prefix(32))
                _ = try await storage.addEnrolmentToken(
                    StoredEnrolmentToken(
                        id: certificate.serial, digest: digest, pattern: "*", creator: "ada", created: 1,
                        expires: Int64.max / 2))
                let outcome = try await storage.enrol(
                    StoredHost(name: name, enrolled: 1),
                    StoredCertificate(serial: certificate.serial, host: name, issued: 1, expires: expires),
                    redeeming: digest, replacing: true, at: 2)
                guard case .enrolled = outcome else { throw IdentityRefusal.unproven }
            }
            let path = "\(folder)/\(certificate.serial).pem"
            try (certificate.pem + key.pem).write(toFile: path, atomically: true, encoding: .utf8)
            return (["--cert", path], certificate.serial)
        }
    }

    private func withTracker(_ body: @escaping @Sendable (Scene) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let authority = try FleetAuthority(fleet: "test", now: Date())
            try authority.anchor.pem.write(toFile: "\(folder)/authority.pem", atomically: true, encoding: .utf8)
            let loopback = try #require(PeerAddress(parsing: "127.0.0.1:0"))
            var configuration = TrackerConfiguration(listen: [loopback])
            configuration.plainAnnounces = [loopback]
            configuration.access = .fleet
            configuration.authority = authority
            configuration.certificate = .issued(
                names: [try #require(ServerName("127.0.0.1")), try #require(ServerName("tracker.test"))])
            let storage = try SqliteStorage(path: "\(folder)/tracker.sqlite")
            let clock = Scene.Clock()
            let server = TrackerServer(
                configuration: configuration, storage: storage, logger: .quiet, clock: { clock.now })
            let (listening, continuation) = AsyncStream<(PeerAddress, isTLS: Bool)>.makeStream()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await server.run(
                        signals: false, onListening: { continuation.yield(($0, true)) },
                        onListeningToAnnounces: { continuation.yield(($0, false)) })
                    return false
                }
                group.addTask {
                    var (secure, plain): (PeerAddress?, PeerAddress?)
                    for await (address, isTLS) in listening {
                        if isTLS { secure = address } else { plain = address }
                        if secure != nil, plain != nil { break }
                    }
                    try await body(
                        Scene(
                            folder: folder, authority: authority, storage: storage, clock: clock,
                            secure: #require(secure), plain: #require(plain)))
                    return true
                }
                let isDone = try await group.next()
                #expect(isDone == true)
                group.cancelAll()
            }
        }
    }

    @Test func `the tracker proves who it is, in TLS 1.3 and nothing less`() async throws {
        try await withTracker { scene async throws in
            #expect(try await scene.ask("healthz").hasSuffix("200"))
            // Whoever has no reason to trust it does not, nor under a name that is not its own.
            #expect(try await scene.curl([], "https://\(scene.secure)/healthz") == "exited(60)")
            let other = ["--resolve", "other.test:\(scene.secure.port):127.0.0.1"]
            let named = ["--resolve", "tracker.test:\(scene.secure.port):127.0.0.1"]
            let ca = ["--cacert", "\(scene.folder)/authority.pem"]
            #expect(
                try await scene.curl(ca + named, "https://tracker.test:\(scene.secure.port)/healthz").hasSuffix("200"))
            #expect(
                try await scene.curl(ca + other, "https://other.test:\(scene.secure.port)/healthz") == "exited(60)")
            #expect(try await scene.ask("healthz", ["--tls-max", "1.2"]).hasPrefix("exited("))
            // What comes without TLS is not answered, announces neither.
            #expect(!(try await scene.curl([], "http://\(scene.secure)/announce?x=1")).hasSuffix("200"))
            #expect(try await scene.ask("announce?x=1").hasSuffix("200"))
        }
    }

    @Test func `a host's certificate makes it known, unless it is revoked, old, foreign or unheard of`() async throws {
        try await withTracker { scene in
            #expect(try await scene.ask("api/v1/masters").hasSuffix("401"))
            let host = try await scene.host("rack1-1")
            #expect(try await scene.ask("api/v1/masters", host.words).hasSuffix("200"))
            // A host is no operator.
            #expect(try await scene.ask("api/v1/tokens", host.words).hasSuffix("403"))
            let foreign = try await scene.host("rack1-2", of: FleetAuthority(fleet: "test", now: Date()))
            let old = try await scene.host("rack1-3", now: Date().addingTimeInterval(-31 * 86_400))
            let unknown = try await scene.host("rack1-4", isKnown: false)
            let revoked = try await scene.host("rack1-5")
            #expect(try await scene.ask("api/v1/masters", revoked.words).hasSuffix("200"))
            _ = try await scene.storage.revokeHost("rack1-5", at: 3)
            for (shown, reason) in [
                (foreign, IdentityRefusal.foreign), (old, .expired), (unknown, .revoked), (revoked, .revoked),
            ] {
                let answer = try await scene.ask("api/v1/masters", shown.words)
                #expect(answer.hasSuffix("401") && answer.contains(reason.description), "\(answer)")
                // What is open is open to them too.
                #expect(try await scene.ask("healthz", shown.words).hasSuffix("200"))
            }
        }
    }

    @Test func `who proves nothing cannot fill the audit trail`() async throws {
        try await withTracker { scene in
            let before = try await scene.storage.auditLines(after: 0, limit: 1000).elements.count
            let answers = try await scene.ask("api/v1/fleet/certificate?[1-150]", ["-d", "{}", "-o", "/dev/null"])
            #expect(answers.split(separator: "\n").map(String.init) == Array(repeating: "400", count: 150))
            let records = try await scene.storage.auditLines(after: 0, limit: 1000).elements
            // A minute may end meanwhile.
            #expect((1...200).contains(records.count - before))
            #expect(try await scene.storage.settleAudit(outcome: "interrupted") == 0)
        }
    }

    @Test func `a revoked certificate is listed for a day after its end, for hosts whose clocks are slow`() async throws
    {
        try await withTracker { scene in
            let now = Int64(Date.now.timeIntervalSince1970)
            var serials: [String] = []
            for (name, expires) in [("a", now + 3600), ("b", now - 3600), ("c", now - 90_000)] {
                serials.append(try await scene.host(name, expires: expires).serial)
                _ = try await scene.storage.revokeHost(name, at: now - 100_000)
            }
            let json = try await scene.ask("api/v1/fleet/revoked", ["-w", ""])
            let list = try JSONDecoder().decode(RevocationList.self, from: Data(json.utf8))
            #expect(try list.read(scene.authority.anchor).serials == Set(serials.prefix(2)))
        }
    }

    @Test func `where there is no TLS announces are taken and nothing else`() async throws {
        try await withTracker { scene in
            #expect(try await scene.curl([], "http://\(scene.plain)/announce?x=1").hasSuffix("200"))
            #expect(try await scene.curl([], "http://\(scene.plain)/healthz").hasSuffix("200"))
            for path in ["api/v1/masters", "api/v1/fleet/revoked", "api/v1/tokens"] {
                let answer = try await scene.curl([], "http://\(scene.plain)/\(path)")
                #expect(answer.hasSuffix("403") && answer.contains("https"), "\(answer)")
            }
        }
    }

    @Test func `the tracker's certificate is made anew before its time is up`() async throws {
        try await withTracker { scene in
            func shown() async throws -> String {
                try await scene.curl(["-k", "-o", "/dev/null", "-w", "%{certs}"], "https://\(scene.secure)/healthz")
            }
            let first = try await shown()
            #expect(first.contains("BEGIN CERTIFICATE"))
            scene.clock.step(days: 10)
            #expect(try await shown() == first)
            scene.clock.step(days: 11)
            #expect(try await shown() != first)
        }
    }

    @Test func `a fleet's tracker listens without TLS on this machine alone`() throws {
        func address(_ text: String) throws -> PeerAddress { try #require(PeerAddress(parsing: text)) }
        let standard = try address("127.0.0.1:6969")
        let everywhere = try address("0.0.0.0:6969")
        var wish = ListenPlan.Wish()
        #expect(try ListenPlan(wish, standard: standard).datagrams == [standard])
        wish.listen = [everywhere]
        #expect(try ListenPlan(wish, standard: standard).datagrams == [everywhere])
        wish.isFleet = true
        #expect(throws: ListenPlan.Exposure.self) { try ListenPlan(wish, standard: standard) }
        for text in ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            wish.listen = [try address(text)]
            #expect(try ListenPlan(wish, standard: standard).datagrams == wish.listen)
        }
        wish.listen = [everywhere]
        wish.isTLS = true
        #expect(try ListenPlan(wish, standard: standard).datagrams == [])
        let plain = try address("0.0.0.0:6970")
        wish.plainAnnounces = [plain]
        let plan = try ListenPlan(wish, standard: standard)
        #expect(plan.listen == [everywhere] && plan.plainAnnounces == [plain] && plan.datagrams == [plain])
    }
}
