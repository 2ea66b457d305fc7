// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FleetIdentity
import FleetProtocol
import FoundationEssentials
import Glibc
import ImageStore
import Metainfo
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TrackerProtocol
import Trust

/// Speaks to trackers: announces over HTTP (BEP 3) and UDP (BEP 15), and the catalogue of published masters.
///
/// The tracker that enrolled this host must show a certificate of the fleet's authority, or of one that was named; others
/// may have one of the system's. To whoever asks the host's own certificate is shown.
struct TrackerClient: Sendable {
    var credentials = TrackerCredentials()
    var membership: HostEnrolment.Membership?
    /// Whether the tracker need not prove who it is, since what it answers does.
    var takesAnybody = false
    /// Where it is noted what trackers say of the time.
    var meters: HostMeters?

    static let announceTimeout = TimeAmount.seconds(15)
    /// Long enough for a datagram that was lost to be sent again twice.
    private static let datagramTimeout = Duration.seconds(50)
    static let catalogueTimeout = TimeAmount.seconds(60)
    /// The longest answer to an announce, and to a question about the catalogue, in bytes.
    private static let announceLimit = 1 << 20
    private static let catalogueLimit = 16 << 20

    /// A refused connection is an answer: whoever waits is told at once instead of after the whole time allowed.
    private static let client = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    /// A tracker's URL as people write it.
    /// - Throws: ``HostFailure`` with `.usage`.
    static func url(_ text: String) throws(HostFailure) -> TrackerURL {
        guard let url = TrackerURL(text) else {
            throw HostFailure(
                .usage, "'\(text)' is not a tracker's URL; write it like http://tracker.example:6969")
        }
        return url
    }

    /// The tracker has too much to do, and says when to come back.
    struct Busy: Error {
        let retryAfter: Duration
    }

    /// Announces to a tracker.
    /// - Throws: ``Busy``; ``HostFailure`` with `.trackerUnreachable` and the reason.
    func announce(
        _ request: AnnounceRequest, to tracker: TrackerURL, timeout: TimeAmount? = nil
    ) async throws -> AnnounceResponse {
        if case .udp(let host, let port) = tracker.transport {
            return try await DatagramTracker(host: host, port: port, target: tracker.target).announce(
                request, timeout: timeout.map { .nanoseconds($0.nanoseconds) } ?? Self.datagramTimeout)
        }
        let bytes = try await get(
            tracker.announce(query: request.queryString), limit: Self.announceLimit,
            timeout: timeout ?? Self.announceTimeout, tracker)
        let response: AnnounceResponse
        do {
            response = try AnnounceResponse.decode(bytes)
        } catch {
            throw HostFailure(.trackerUnreachable, "the tracker \(tracker.base) answered with nonsense: \(error)")
        }
        if let reason = response.failureReason {
            throw HostFailure(.trackerUnreachable, "the tracker \(tracker.base) refused: \(reason)")
        }
        return response
    }

    /// A published master: its torrent, and what people call it.
    /// - Returns: `nil` when the tracker does not know it.
    func published(
        _ reference: MasterReference, at tracker: TrackerURL
    ) async throws -> (torrent: [UInt8], name: MasterName, label: String?)? {
        guard case .http = tracker.transport else { return nil }
        let masters = "\(tracker.base)/api/v1/masters"
        let entry = reference.version.map { "\(reference.name)/\($0)" } ?? reference.name
        guard let bytes = try await find("\(masters)/\(entry)", Self.catalogueLimit, tracker) else { return nil }
        guard let master = try? JSONDecoder().decode(PublishedMaster.self, from: Data(bytes)),
            let name = MasterName(name: master.name, version: master.version), name.name == reference.name,
            name.version == reference.version ?? name.version
        else {
            throw HostFailure(.trackerUnreachable, "the tracker \(tracker.base) answered with nonsense")
        }
        let url = "\(masters)/\(name.name)/\(name.version)/torrent"
        return try await find(url, TorrentFile.maximumByteCount, tracker).map { ($0, name, master.label) }
    }

    /// The highest version of a line in a tracker's catalogue.
    /// - Returns: `nil` when it has none.
    func newestVersion(of line: String, at tracker: TrackerURL) async throws -> Int? {
        guard case .http = tracker.transport else { return nil }
        guard let bytes = try await find("\(tracker.base)/api/v1/masters/\(line)", Self.catalogueLimit, tracker) else {
            return nil
        }
        return try? JSONDecoder().decode(PublishedMaster.self, from: Data(bytes)).version
    }

    /// What publishers say of a master, as a tracker has it.
    /// - Returns: `nil` when it has nothing.
    func statement(about name: MasterName, at tracker: TrackerURL) async throws -> SignedEnvelope? {
        try await envelope("\(name.name)/\(name.version)/statement", tracker)
    }

    /// What publishers say of a line of masters, as a tracker has it.
    /// - Returns: `nil` when it has nothing.
    func pointer(of line: String, at tracker: TrackerURL) async throws -> SignedEnvelope? {
        try await envelope("\(line)/pointer", tracker)
    }

    /// Gives a tracker a signed statement about a master that is in its catalogue.
    func publish(_ statement: SignedEnvelope, about name: MasterName, to tracker: TrackerURL) async throws {
        try await put(statement, "\(name.name)/\(name.version)/statement", "the statement about \(name)", tracker)
    }

    /// Gives a tracker a signed pointer.
    func publish(pointer: SignedEnvelope, of line: String, to tracker: TrackerURL) async throws {
        try await put(pointer, "\(line)/pointer", "the pointer of \(line)", tracker)
    }

    private func envelope(_ path: String, _ tracker: TrackerURL) async throws -> SignedEnvelope? {
        guard case .http = tracker.transport else { return nil }
        let url = "\(tracker.base)/api/v1/masters/\(path)"
        guard let json = try await find(url, SignedEnvelope.byteLimit, tracker) else { return nil }
        return try SignedEnvelope(json: json)
    }

    private func put(_ envelope: SignedEnvelope, _ path: String, _ what: String, _ tracker: TrackerURL) async throws {
        guard case .http = tracker.transport else {
            throw HostFailure(.usage, "\(tracker) has no catalogue; publish to a drover-tracker's http URL")
        }
        var request = HTTPClientRequest(url: "\(tracker.base)/api/v1/masters/\(path)")
        request.method = .PUT
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: envelope.json))
        try await check(send(request, timeout: Self.catalogueTimeout, tracker), what, tracker)
    }

    /// Puts a master's torrent into a tracker's catalogue. Doing so again is no error.
    /// - Throws: ``HostFailure``; `.conflict` when the version is published with other content.
    func publish(_ torrent: [UInt8], of master: Master, to tracker: TrackerURL) async throws {
        guard case .http = tracker.transport else {
            throw HostFailure(.usage, "\(tracker) has no catalogue; publish to a drover-tracker's http URL")
        }
        var url = "\(tracker.base)/api/v1/masters/\(master.name.name)/\(master.name.version)"
        if let label = master.label { url += "?label=\(label.percentEncoded)" }
        var request = HTTPClientRequest(url: url)
        request.method = .PUT
        request.headers.add(name: "content-type", value: "application/x-bittorrent")
        request.body = .bytes(ByteBuffer(bytes: torrent))
        try await check(send(request, timeout: Self.catalogueTimeout, tracker), "\(master.name)", tracker)
    }

    /// - Throws: ``HostFailure`` with the tracker's reason when it did not take `what`.
    func check(_ response: HTTPClientResponse, _ what: String, _ tracker: TrackerURL) async throws {
        guard !(200..<300).contains(response.status.code) else { return }
        let body = try? await response.body.collect(upTo: Self.announceLimit)
        let problem = body.flatMap {
            try? JSONDecoder().decode(FleetProblem.self, from: Data($0.readableBytesView))
        }
        let message = problem.map { "\($0.detail) (\($0.code))" } ?? "status \(response.status.code)"
        throw HostFailure(
            HostFailure.Code(status: response.status.code, problem),
            "the tracker \(tracker.base) did not take \(what): \(message)")
    }

    /// Sees whether a tracker is there and well.
    /// - Throws: ``HostFailure`` with `.trackerUnreachable`.
    func greet(_ tracker: TrackerURL) async throws {
        _ = try await get("\(tracker.base)/healthz", limit: Self.announceLimit, timeout: Self.announceTimeout, tracker)
    }

    func find(_ url: String, _ limit: Int, _ tracker: TrackerURL) async throws -> [UInt8]? {
        do {
            return try await get(url, limit: limit, timeout: Self.catalogueTimeout, tracker)
        } catch let failure as HostFailure where failure.code == .notFound {
            return nil
        }
    }

    private func get(
        _ url: String, limit: Int, timeout: TimeAmount, _ tracker: TrackerURL
    ) async throws -> [UInt8] {
        let response = try await send(HTTPClientRequest(url: url), timeout: timeout, tracker)
        if response.status == .notFound { throw HostFailure(.notFound, "the tracker \(tracker.base) does not know it") }
        if response.status == .serviceUnavailable,
            let seconds = response.headers.first(name: "retry-after").flatMap({ UInt16($0) })
        {
            throw Busy(retryAfter: .seconds(Int(seconds)))
        }
        if [.unauthorized, .forbidden].contains(response.status) { try await check(response, "the question", tracker) }
        guard response.status == .ok else {
            throw HostFailure(
                .trackerUnreachable, "the tracker \(tracker.base) answered with status \(response.status.code)")
        }
        do {
            return Array(try await response.body.collect(upTo: limit).readableBytesView)
        } catch {
            throw HostFailure(.trackerUnreachable, "the answer of the tracker \(tracker.base) broke off or is too long")
        }
    }

    func send(
        _ request: HTTPClientRequest, timeout: TimeAmount, _ tracker: TrackerURL
    ) async throws -> HTTPClientResponse {
        var request = request
        if tracker.isSecure { request.tlsConfiguration = try tls(with: tracker) }
        if let token = credentials.token {
            guard tracker.isSecure || tracker.isLocal else {
                throw HostFailure(
                    .usage, "a token is not sent without TLS to another machine; name the tracker's https URL")
            }
            request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(token)")
        }
        do {
            let response = try await Self.client.execute(request, timeout: timeout)
            if let date = response.headers.first(name: "date") { meters?.trackerSaid(date) }
            return response
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw HostFailure(
                .trackerUnreachable,
                "the tracker \(tracker.base) cannot be reached (\(Self.words(error))); check that it runs and that the "
                    + "URL is right")
        }
    }

    private func tls(with tracker: TrackerURL) throws(IdentityRefusal) -> TLSConfiguration {
        if takesAnybody, credentials.authorities == nil { return ClientTLS.unproven }
        let isOwn = membership.flatMap { TrackerURL($0.tracker) }?.base == tracker.base
        let fleet = try credentials.fleetAuthority.map { pem throws(IdentityRefusal) in try FleetAnchor(pem: pem) }
        return try ClientTLS.configuration(
            anchor: membership?.identity.anchor ?? fleet, authorities: credentials.authorities,
            usesSystem: !isOwn && credentials.authorities == nil, identity: membership?.identity)
    }

    /// What went wrong with a connection, for people.
    private static func words(_ error: any Error) -> String {
        if let words = ClientTLS.words(error) { return words }
        return switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { words($0.error) } ?? "no address is known for \(error.host)"
        case ChannelError.connectTimeout: "no answer in time"
        case let error as HTTPClientError
        where [.connectTimeout, .deadlineExceeded, .readTimeout].contains(error): "no answer in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "the connection broke off"
        default: "\(error)"
        }
    }
}

extension HostFailure.Code {
    /// What a tracker's refusal comes to.
    init(status: UInt, _ problem: FleetProblem?) {
        self =
            switch status {
            case 401, 403: .denied
            case 404: .notFound
            case 409: .conflict
            case 422 where problem.flatMap(\.trust) != nil: .verification
            case 422 where problem?.code == .planHasProblems: .conflict
            case 400, 413, 422: .usage
            // It has too much to do, or stumbled; a little later it answers.
            case 429, 500, 502, 503, 504: .trackerUnreachable
            default: .failed
            }
    }
}

extension FleetProblem {
    /// Why what publishers have signed is not believed; `nil` when it is about something else.
    fileprivate var trust: TrustRefusal.Code? {
        // Every document can be malformed.
        code == .malformed ? nil : TrustRefusal.Code(rawValue: code.rawValue)
    }
}

extension String {
    /// The text with everything but unreserved characters percent-encoded (RFC 3986).
    var percentEncoded: String {
        utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                String(UnicodeScalar(byte))
            default: "%" + [byte].hexadecimal.uppercased()
            }
        }.joined()
    }
}
