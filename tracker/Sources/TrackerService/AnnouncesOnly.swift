// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Hummingbird

/// What those are told who want more than announces of a listener that has no TLS.
struct AnnouncesOnly: RouterMiddleware {
    func handle(
        _ request: Request, context: TrackerContext,
        next: (Request, TrackerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            throw APIError(
                .forbidden, .needsTLS,
                "Without TLS the tracker takes announces, scrapes and /healthz here; use its https URL for the rest.")
        }
    }
}
