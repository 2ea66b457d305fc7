// SPDX-License-Identifier: Apache-2.0

import TrackerCore
import TrackerProtocol

/// Answers announces and scrapes that come as queries of HTTP requests.
///
/// What the protocol refuses is answered with a failure reason and success, as trackers do: clients show the reason to people
/// only then.
struct AnnounceDesk: Sendable {
    enum Answer {
        /// Bencoded.
        case body([UInt8])
        /// Too much to do: come back after so many seconds.
        case busy(retryAfter: Int)
    }

    let swarms: LiveSwarms

    /// - Parameter lag: how far behind with its work the tracker is where the announce came from.
    func announce(_ query: some StringProtocol, from host: IPAddress?, lag: Duration) -> Answer {
        guard let host else {
            return .body(AnnounceResponse.failure("This tracker cannot see your address; connect over IP.").encoded())
        }
        do throws(AnnounceRequestError) {
            let request = try AnnounceRequest(query: query)
            if let seconds = swarms.retryAfter(request, from: host, lag: lag) { return .busy(retryAfter: seconds) }
            return .body(swarms.announce(request, from: host).encoded(compact: request.compact))
        } catch {
            return .body(AnnounceResponse.failure(error.description).encoded())
        }
    }

    func scrape(_ query: some StringProtocol) -> Answer {
        do throws(ScrapeRequestError) {
            return .body(swarms.scrape(try ScrapeRequest(query: query)).encoded)
        } catch {
            return .body(ScrapeResponse(failureReason: error.description).encoded)
        }
    }
}
