// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Hummingbird
import Logging
import TrackerStorage

/// How whatever a handler throws is answered.
enum APIErrorAnswer {
    /// - Returns: `nil` for what is nothing that the other side should read: the connection ends instead.
    static func refusal(_ error: any Error, _ context: TrackerContext) -> APIError? {
        switch error {
        case let error as APIError:
            return error
        case let error as FleetProblem:
            return APIError(error)
        case let error as StorageError:
            context.logger.error("storage failed", metadata: ["error": "\(error)"])
            return APIError(error)
        case let error as HTTPError where error.status == .notFound:
            return APIError(
                .notFound, .notFound,
                "There is nothing at this path; GET /api/v1/openapi.json lists what there is.")
        case let error as HTTPError:
            return APIError(
                error.status, error.status == .contentTooLarge ? .tooLarge : .malformed,
                error.body ?? "The request cannot be read; see GET /api/v1/openapi.json.")
        default:
            return nil
        }
    }

    /// What is answered when something was thrown that is none of the above.
    static var fault: Response {
        let refusal = APIError(.internalServerError, .internal, "The tracker is at fault; its log says more.")
        return (try? response(to: refusal)) ?? Response(status: .internalServerError)
    }

    static func response(to refusal: APIError) throws -> Response {
        var response = try JSONAnswer.response(refusal.problem, status: refusal.status)
        response.headers[.contentType] = "application/problem+json"
        response.headers.append(contentsOf: refusal.headers)
        return response
    }
}

/// Answers for what no route is there for; routes answer for themselves.
struct APIErrorMiddleware: RouterMiddleware {
    let routes: [RouteTable.Route]

    func handle(
        _ request: Request, context: TrackerContext,
        next: (Request, TrackerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            guard let refusal = APIErrorAnswer.refusal(error, context) else { throw error }
            return try APIErrorAnswer.response(to: refusal.code == .notFound ? lost(request, refusal) : refusal)
        }
    }

    /// A path that is there for other methods is not said to be missing.
    private func lost(_ request: Request, _ refusal: APIError) -> APIError {
        let leading = routes.filter { $0.leads(to: request.uri.path) }
        // Where a part of a path has a route of its own, that is the one that is taken.
        let fewest = leading.map(\.nameCount).min()
        let methods = Set(leading.filter { $0.nameCount == fewest }.map(\.method.rawValue)).sorted()
        if methods.isEmpty { return refusal }
        let allowed = methods.joined(separator: ", ")
        return APIError(
            .methodNotAllowed, .methodNotAllowed, "This path is for \(allowed); use that.", headers: [.allow: allowed])
    }
}
