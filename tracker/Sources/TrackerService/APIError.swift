// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import TrackerStorage

/// A refusal by the API: a problem, and the headers that its answer carries besides.
struct APIError: Error {
    let status: HTTPResponse.Status
    let code: ReasonCode
    /// One sentence for people.
    let detail: String
    let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ code: ReasonCode, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
    }

    init(_ problem: FleetProblem) {
        self.init(HTTPResponse.Status(code: problem.status), problem.code, problem.detail)
    }

    init(_ error: StorageError) {
        switch error {
        case .noSpace: self.init(Self.insufficientStorage, .noSpace, error.description)
        case .full(what: "masters", _): self.init(Self.insufficientStorage, .catalogueFull, error.description)
        case .full: self.init(Self.insufficientStorage, .storageFull, error.description)
        case .tooLarge: self.init(.contentTooLarge, .tooLarge, error.description)
        case .sequenceMoved: self.init(.conflict, .conflict, error.description)
        case .cannotOpen, .foreign, .newerSchema, .failed:
            self.init(.internalServerError, .storageFailed, error.description)
        }
    }

    private static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")

    var problem: FleetProblem { FleetProblem(status: status.code, code: code, detail: detail) }
}
