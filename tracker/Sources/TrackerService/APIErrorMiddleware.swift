// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import TrackerProtocol
import TrackerStorage

/// Turns whatever a handler throws into the API's JSON.
struct APIErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: TrackerContext,
        next: (Request, TrackerContext) async throws -> Response
    ) async throws -> Response {
        let refusal: APIError
        do {
            return try await next(request, context)
        } catch let error as APIError {
            refusal = error
        } catch let error as StorageError {
            context.logger.error("storage failed", metadata: ["error": "\(error)"])
            refusal = APIError(error)
        } catch let error as HTTPError where error.status == .notFound {
            refusal = APIError(
                .notFound, "not_found", "There is nothing at this path; the tracker's documentation lists its paths.")
        } catch let error as HTTPError {
            refusal = APIError(error.status, "refused", error.body ?? error.status.reasonPhrase)
        }
        let body = TrackerAPIErrorBody(code: refusal.code, message: refusal.message)
        return try JSONAnswer.response(body, status: refusal.status)
    }
}
