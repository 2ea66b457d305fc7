// SPDX-License-Identifier: Apache-2.0

/// The answer to `GET /api/v1/fleet/orders?after=TAG&wait=SECONDS`: everything a host shall have, one order for each line.
/// With a tag that is still true the answer is kept back until something changes, or the wait is over.
package struct HostOrders: Codable, Equatable, Sendable {
    package var version = FleetVersion.current
    /// Names what is said here, for the next question. Opaque.
    package var tag: String
    package var orders: [FleetOrder]
    /// Within how many seconds the host must get in touch again, so as not to count as silent.
    package var contactSeconds: Int

    package init(tag: String, orders: [FleetOrder], contactSeconds: Int) {
        self.tag = tag
        self.orders = orders
        self.contactSeconds = contactSeconds
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        tag = try container.text(.tag)
        orders = try container.list(.orders, limit: FleetLimits.lines)
        contactSeconds = try container.number(.contactSeconds, 1...86_400, default: 60)
    }
}
