// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import OperatorAccess
import TrackerProtocol

/// `GET /announce` and `GET /scrape`: the tracker proper. It needs no account, no database and no other room.
///
/// Most announces never come here: ``RequestListener`` answers those that arrive in one piece.
struct AnnounceRoutes: Sendable {
    let desk: AnnounceDesk
    /// How far behind with its work the HTTP server is.
    let lag: @Sendable () -> Duration

    func add(to table: inout RouteTable) {
        table.read("announce", RoutePolicy(.tracker)) { request, context in
            response(desk.announce(request.uri.query ?? "", from: context.observedHost, lag: lag()))
        }
        table.read("scrape", RoutePolicy(.tracker)) { request, _ in response(desk.scrape(request.uri.query ?? "")) }
    }

    private func response(_ answer: AnnounceDesk.Answer) -> Response {
        switch answer {
        case .body(let bytes):
            let body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            return Response(status: .ok, headers: [.contentType: "text/plain"], body: body)
        case .busy(let seconds):
            return Response(status: .serviceUnavailable, headers: [.retryAfter: "\(seconds)"])
        }
    }
}
