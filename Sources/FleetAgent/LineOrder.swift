// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol

/// How far this host is with the order about one line of masters. It is kept on disk, and says after a restart where to go on.
package struct LineOrder: Codable, Equatable, Sendable {
    /// What is under way or done; each word is where the host goes on after a restart.
    package enum Phase: String, Codable, Sendable {
        /// There is nothing to do.
        case idle
        case staging
        case staged
        case activating
        /// The version is active, and no probe is asked for.
        case active
        case probing
        /// The probe was passed; the tracker has yet to say that it knows.
        case probed
        case rollingBack = "rolling-back"
        case rolledBack = "rolled-back"
        case failed
        case refused
    }

    package internal(set) var order: FleetOrder
    package internal(set) var phase: Phase
    /// What the tracker is told, again and again; `nil` when there is nothing to say.
    package internal(set) var report: HostReport?

    init(_ order: FleetOrder) {
        self.order = order
        phase = .idle
    }

    /// Whether an effect is being carried out.
    var isUnderWay: Bool { [.staging, .activating, .probing, .rollingBack].contains(phase) }

    /// Whether the version may be active here by the host's own doing.
    var wasActivated: Bool { [.active, .probing, .probed].contains(phase) }
}
