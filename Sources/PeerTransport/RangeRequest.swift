// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// A range of bytes asked of an HTTP server (RFC 9110, section 14).
struct RangeRequest: Sendable {
    /// Why a range did not come.
    enum Failure: Error, CustomStringConvertible {
        case status(UInt)
        case ignoresRanges
        case wrongRange
        case redirectElsewhere
        case tooManyRedirects
        case wrongLength

        var description: String {
            switch self {
            case .status(let code): "it answered with status \(code)"
            case .ignoresRanges: "it does not serve ranges of bytes"
            case .wrongRange: "it answered with another range than it was asked for"
            case .redirectElsewhere: "it sends us on to another server, which is not followed"
            case .tooManyRedirects: "it sends us in circles"
            case .wrongLength: "its answer has another length than it was asked for"
            }
        }
    }

    private static let timeout = TimeAmount.seconds(60)
    private static let maximumRedirects = 5

    private static let client = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(20)
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    let address: WebSeedAddress
    /// The bytes of the image; not empty.
    let range: Range<Int64>

    /// Gets the bytes, part by part and exactly as many as were asked for.
    /// - Throws: ``Failure``, `CancellationError`, or what the HTTP client has to say about the connection.
    func run(
        isolation: isolated (any Actor)? = #isolation, _ take: (ByteBuffer) async throws -> Void
    ) async throws {
        let response = try await response()
        var missing = range.upperBound - range.lowerBound
        for try await part in response.body {
            missing -= Int64(part.readableBytes)
            guard missing >= 0 else { throw Failure.wrongLength }
            try await take(part)
        }
        guard missing == 0 else { throw Failure.wrongLength }
    }

    private func response() async throws -> HTTPClientResponse {
        var address = address
        for _ in 0...Self.maximumRedirects {
            var request = HTTPClientRequest(url: address.text)
            request.headers.add(name: "range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
            // A compressed answer would have other bytes in the range.
            request.headers.add(name: "accept-encoding", value: "identity")
            let response = try await Self.client.execute(request, timeout: Self.timeout)
            switch response.status.code {
            case 206:
                let stated = response.headers.first(name: "content-range") ?? ""
                guard stated.hasPrefix("bytes \(range.lowerBound)-\(range.upperBound - 1)/") else {
                    throw Failure.wrongRange
                }
                return response
            case 200: throw Failure.ignoresRanges
            case 301, 302, 303, 307, 308:
                let location = response.headers.first(name: "location") ?? ""
                guard let next = address.redirected(to: location) else { throw Failure.redirectElsewhere }
                address = next
            default: throw Failure.status(response.status.code)
            }
        }
        throw Failure.tooManyRedirects
    }
}
