// SPDX-License-Identifier: Apache-2.0

import Exposition
import HTTPTypes
import Hummingbird
import OperatorAccess

/// `GET /metrics`: the tracker in numbers, for Prometheus.
struct MetricsRoutes: Sendable {
    let metrics: TrackerMetrics

    func add(to table: inout RouteTable) {
        table.read("metrics", RoutePolicy(.operators(.view), isOpenOnOpenTracker: true)) { _, _ in
            let text = Exposition.text(of: await metrics.families())
            return Response(
                status: .ok, headers: [.contentType: Exposition.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
    }
}
