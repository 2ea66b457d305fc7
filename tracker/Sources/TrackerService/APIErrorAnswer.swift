// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import TrackerProtocol
import TrackerStorage

/// How whatever a handler throws is answered.
enum APIErrorAnswer {
    /// - Returns: `nil` for what is nothing that the other side should read: the connection ends instead.
    static func refusal(_ error: any Error, _ context: TrackerContext) -> APIError? {
        switch error {
        case let error as APIError:
            return error
        case let error as StorageError:
            context.logger.error("storage failed", metadata: ["error": "\(error)"])
            return APIError(error)
        case let error as HTTPError where error.status == .notFound:
            return APIError(
                .notFound, "not_found", "There is nothing at this path; the tracker's documentation lists its paths.")
        case let error as HTTPError:
            return APIError(error.status, "refused", error.body ?? error.status.reasonPhrase)
        default:
            return nil
        }
    }

    static func response(to refusal: APIError) throws -> Response {
        let body = TrackerAPIErrorBody(code: refusal.code, message: refusal.message)
        var response = try JSONAnswer.response(body, status: refusal.status)
        response.headers.append(contentsOf: refusal.headers)
        return response
    }
}

/// Answers for what no route is there for; routes answer for themselves.
struct APIErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: TrackerContext,
        next: (Request, TrackerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            guard let refusal = APIErrorAnswer.refusal(error, context) else { throw error }
            return try APIErrorAnswer.response(to: refusal)
        }
    }
}
