// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird

/// How the service writes JSON.
enum JSONAnswer {
    static let headers: HTTPFields = [.contentType: "application/json"]

    /// A response whose body is `value` in JSON with sorted keys.
    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: try bytes(value)))
    }

    /// `value` in JSON with sorted keys.
    static func bytes(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }
}
