// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore
import OperatorAccess

/// `GET /api/v1/openapi.json`: what all the other routes take and answer.
struct DescriptionRoutes: Sendable {
    let description: APIDescription

    func add(to table: inout RouteTable) {
        let document = ByteBuffer(string: description.json)
        table.read("api/v1/openapi.json", RoutePolicy(.operators(.view), isOpenOnOpenTracker: true)) { _, _ in
            Response(status: .ok, headers: JSONAnswer.headers, body: ResponseBody(byteBuffer: document))
        }
    }
}
