// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TrackerStorage

/// A refusal by the API: a status, a word for programs and a sentence for people.
struct APIError: Error {
    let status: HTTPResponse.Status
    let code: String
    let message: String
    /// Headers that the answer carries besides.
    let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, headers: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    private static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")

    init(_ error: StorageError) {
        switch error {
        case .noSpace: self.init(Self.insufficientStorage, "no_space", error.description)
        case .full(what: "masters", _): self.init(Self.insufficientStorage, "catalogue_full", error.description)
        case .full: self.init(Self.insufficientStorage, "storage_full", error.description)
        case .tooLarge: self.init(.contentTooLarge, "too_large", error.description)
        case .sequenceMoved: self.init(.conflict, "conflict", error.description)
        case .cannotOpen, .foreign, .newerSchema, .failed:
            self.init(.internalServerError, "database", error.description)
        }
    }
}
