// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Hummingbird
import Metainfo
import NIOCore
import TrackerStorage
import Trust

/// `/api/v1/masters/NAME/…/statement` and `/pointer`: what publishers have signed, handed on as it is.
struct SignedRoutes: Sendable {
    let storage: any CatalogueStorage
    /// The publishers whose words are passed on; anybody's when `nil`.
    let root: TrustRoot?

    private var filing: SignedFiling { SignedFiling(storage: storage, root: root) }

    func add(to table: inout RouteTable) {
        table.read("api/v1/masters/:name/:version/statement", CatalogueRoutes.reading) { _, context in
            let master = try context.masterName()
            return try answer(try await storage.envelope(of: .master(master)), "\(master)")
        }
        table.change(
            .put, "api/v1/masters/:name/:version/statement", CatalogueRoutes.publishing, action: "statement.file",
            line: "name"
        ) { request, context in
            let master = try context.masterName()
            let (envelope, statement) = try await read(MasterStatement.self, request)
            guard statement.master == master else { throw Self.otherName }
            context.note.set(after: "\(statement.infoHashV2), \(envelope.signatures.count) signatures")
            return try answer(await filing.file(envelope, statement, about: master), "\(master)")
        }
        table.read("api/v1/masters/:name/pointer", CatalogueRoutes.reading) { _, context in
            let line = try context.parameters.require("name")
            return try answer(try await storage.envelope(of: .line(line)), line)
        }
        table.change(
            .put, "api/v1/masters/:name/pointer", CatalogueRoutes.publishing, action: "pointer.file", line: "name"
        ) { request, context in
            let line = try context.parameters.require("name")
            let (envelope, pointer) = try await read(LinePointer.self, request)
            guard pointer.name == line else { throw Self.otherName }
            context.note.set(after: "serial \(pointer.serial), current \(pointer.current.map(String.init) ?? "none")")
            return try answer(await filing.file(envelope, pointer), line)
        }
    }

    private func read<Statement: SignedStatement>(
        _ type: Statement.Type, _ request: Request
    ) async throws -> (SignedEnvelope, Statement) {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: SignedEnvelope.byteLimit)
        } catch {
            throw APIError(
                .contentTooLarge, .tooLarge, "A signed statement has at most \(SignedEnvelope.byteLimit) bytes.")
        }
        do throws(TrustRefusal) {
            let envelope = try SignedEnvelope(json: body.readableBytesView)
            guard let root else { return (envelope, try envelope.unchecked(type)) }
            return (envelope, try envelope.statement(type, signedBy: root))
        } catch {
            throw APIError(
                .unprocessableContent, ReasonCode(rawValue: error.code.rawValue), "It is refused: \(error.message).")
        }
    }

    private func answer(_ json: [UInt8]?, _ subject: String) throws -> Response {
        guard let json else {
            throw APIError(
                .notFound, .notSigned, "Nothing signed is known of \(subject.prefix(200)); sign it and publish that.")
        }
        return Response(
            status: .ok, headers: JSONAnswer.headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    private func answer(_ filing: SignedFiling.Outcome, _ subject: String) throws -> Response {
        switch filing {
        case .filed: return Response(status: .noContent)
        case .superseded:
            throw APIError(
                .conflict, .superseded,
                "Something newer, or other under the same serial, is known of \(subject.prefix(200)); look at that first."
            )
        case .unfitting:
            throw APIError(
                .unprocessableContent, .mixAndMatch,
                "It does not fit what is published as \(subject.prefix(200)); publish the master itself first.")
        }
    }

    private static let otherName = APIError(
        .unprocessableContent, .nameMismatch, "It is about another master than the path says; correct the path.")
}
