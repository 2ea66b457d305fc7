// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Metainfo
import NIOCore
import OperatorAccess
import TrackerProtocol
import TrackerStorage

/// `/api/v1/masters`: publishing masters and finding them.
struct CatalogueRoutes: Sendable {
    let storage: any CatalogueStorage
    let limits: RequestLimits
    let uploads: TransferBudget
    private let reader = TorrentReader()

    /// Who may read the catalogue, and who may add to it.
    static let reading = RoutePolicy(.hostsAndOperators(.view), isOpenOnOpenTracker: true)
    static let publishing = RoutePolicy(.operators(.publish), isOpenOnOpenTracker: true)

    func add(to table: inout RouteTable) {
        table.read("api/v1/masters", Self.reading) { request, _ in
            let after = try request.cursor("after").map { text in
                guard let master = MasterName(text) else { throw Request.badCursor }
                return master
            }
            let page = try await storage.masters(after: after, limit: try request.limit())
            return try JSONAnswer.response(
                PublishedMasters(masters: page.elements, next: page.next.map { "\($0)" }))
        }
        table.read("api/v1/masters/:name", Self.reading) { _, context in
            let name = try context.parameters.require("name")
            guard let newest = try await storage.newestMaster(of: name) else { throw notPublished(name) }
            return try JSONAnswer.response(newest)
        }
        table.read("api/v1/masters/:name/:version", Self.reading) { _, context in
            let master = try context.masterName()
            guard let entry = try await storage.master(master) else { throw notPublished(master.description) }
            return try JSONAnswer.response(entry)
        }
        table.read("api/v1/masters/:name/:version/torrent", Self.reading) { _, context in
            let master = try context.masterName()
            guard let torrent = try await storage.torrent(of: master) else { throw notPublished(master.description) }
            return Response(
                status: .ok, headers: [.contentType: "application/x-bittorrent"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: torrent)))
        }
        table.change(
            .put, "api/v1/masters/:name/:version", Self.publishing, action: "master.publish", line: "name"
        ) { request, context in
            try await publish(request, as: try context.masterName(), context.note)
        }
    }

    private func publish(_ request: Request, as master: MasterName, _ note: AuditNote) async throws -> Response {
        let label = try label(request)
        return try await torrent(request) { torrent in try await publish(torrent, label: label, as: master, note) }
    }

    private func publish(
        _ torrent: [UInt8], label: String?, as master: MasterName, _ note: AuditNote
    ) async throws -> Response {
        let metainfo: Metainfo
        do throws(MetainfoError) {
            metainfo = try await reader.metainfo(of: torrent)
        } catch {
            throw APIError(.unprocessableContent, .badTorrent, "The torrent is refused: \(error).")
        }
        guard metainfo.name == master.fileName else {
            throw APIError(
                .unprocessableContent, .nameMismatch,
                "The torrent's name is \(metainfo.name.prefix(200)), not \(master.fileName); "
                    + "publish it under its own name and version.")
        }
        let time = Date.now.formatted(.iso8601)
        let entry = PublishedMaster(
            name: master.name, version: master.version, label: label, size: metainfo.geometry.size,
            infoHashV1: metainfo.infoHashes.v1?.hex, infoHashV2: metainfo.infoHashes.v2?.hex, published: time)
        switch try await storage.publish(entry, torrent: torrent) {
        case .created(let entry):
            note.set(after: entry.infoHash)
            return try JSONAnswer.response(entry, status: .created)
        case .unchanged(let entry):
            note.set(before: entry.infoHash, after: entry.infoHash)
            return try JSONAnswer.response(entry)
        case .conflict(let entry):
            note.set(before: entry.infoHash)
            throw APIError(
                .conflict, .versionExists,
                "\(master) is already published with other content; publish this image as a higher version.")
        }
    }

    private func torrent(
        _ request: Request, _ body: ([UInt8]) async throws -> Response
    ) async throws -> Response {
        let tooLarge = APIError(
            .contentTooLarge, .tooLarge,
            "The torrent is longer than \(limits.torrentByteCount) bytes; make it with longer pieces.")
        // A length that is announced is refused before a byte of the body is kept.
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limits.torrentByteCount {
            throw tooLarge
        }
        let reservation = uploads.reservation()
        defer { withExtendedLifetime(reservation) {} }
        var torrent: [UInt8] = []
        for try await part in request.body {
            guard torrent.count + part.readableBytes <= limits.torrentByteCount else { throw tooLarge }
            try reservation.grow(by: part.readableBytes)
            torrent += part.readableBytesView
        }
        return try await body(torrent)
    }

    private func label(_ request: Request) throws -> String? {
        guard let label = request.uri.queryParameters["label"].map(String.init), !label.isEmpty else { return nil }
        guard label.utf8.count <= limits.labelByteCount,
            label.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw APIError(
                .badRequest, .badLabel,
                "A label has at most \(limits.labelByteCount) bytes and no control characters; choose a shorter one.")
        }
        return label
    }

    private func notPublished(_ master: String) -> APIError {
        APIError(
            .notFound, .notPublished,
            "\(master.prefix(200)) is not published here; list what is with GET /api/v1/masters.")
    }
}

extension PublishedMaster {
    /// The hash that names its content.
    fileprivate var infoHash: String? { infoHashV2 ?? infoHashV1 }
}
