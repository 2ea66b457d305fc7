// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol

/// What a host's agent hears.
package enum AgentEvent: Equatable, Sendable {
    /// The program has started: what was under way goes on.
    case started
    /// The tracker's answer.
    case ordered(HostOrders)
    /// Somebody has confirmed that the tracker's data are to be followed although they are others than before.
    case epochConfirmed
    /// How a step of an order goes. One about an order that no longer stands is passed over.
    case went(line: String, OrderStamp, Outcome)
    /// Time to look whether what was done still holds.
    case looked

    package enum Outcome: Equatable, Sendable {
        /// Verified bytes on disk.
        case staging(bytes: UInt64)
        case verifying
        case staged
        case activated
        case probed
        case rolledBack
        case failed(ReasonCode, log: String?)
    }
}

/// What is to be done, once the agent's state is on disk.
package enum AgentEffect: Equatable, Sendable {
    /// Fetch, verify and register the order's master.
    case stage(FleetOrder)
    case activate(FleetOrder)
    case probe(FleetOrder)
    /// Be back on the version before, and remember the order's as bad.
    case rollBack(FleetOrder)
    /// Stop what is under way for the line, and wait until it has stopped.
    case stop(line: String)
    /// Tell the tracker soon.
    case report
}
