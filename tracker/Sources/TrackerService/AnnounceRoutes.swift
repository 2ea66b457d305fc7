// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import OperatorAccess
import TrackerProtocol

/// `GET /announce` and `GET /scrape`: the tracker proper. It needs no account, no database and no other room.
///
/// What the protocol refuses is answered with status 200 and a failure reason, as trackers do: clients show the reason
/// to people only then.
struct AnnounceRoutes: Sendable {
    let swarms: LiveSwarms

    func add(to table: inout RouteTable) {
        table.read("announce", RoutePolicy(.tracker)) { request, context in
            announce(request, from: context.observedHost)
        }
        table.read("scrape", RoutePolicy(.tracker)) { request, _ in scrape(request) }
    }

    private func announce(_ request: Request, from host: IPAddress?) -> Response {
        guard let host else {
            let refusal = AnnounceResponse.failure("This tracker cannot see your address; connect over IP.")
            return bencoded(refusal.encoded())
        }
        do throws(AnnounceRequestError) {
            let announce = try AnnounceRequest(query: request.uri.query ?? "")
            return bencoded(swarms.announce(announce, from: host).encoded(compact: announce.compact))
        } catch {
            return bencoded(AnnounceResponse.failure(error.description).encoded())
        }
    }

    private func scrape(_ request: Request) -> Response {
        do throws(ScrapeRequestError) {
            return bencoded(swarms.scrape(try ScrapeRequest(query: request.uri.query ?? "")).encoded)
        } catch {
            return bencoded(ScrapeResponse(failureReason: error.description).encoded)
        }
    }

    private func bencoded(_ bytes: [UInt8]) -> Response {
        let body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return Response(status: .ok, headers: [.contentType: "text/plain"], body: body)
    }
}
