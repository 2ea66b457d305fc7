// SPDX-License-Identifier: Apache-2.0

/// Something that happened, from which a rollout decides what comes next.
package enum RolloutInput: Equatable, Sendable {
    /// An operator wants something.
    case command(RolloutCommand)
    /// A host says how far it is.
    case report(HostReport)
    /// A host has not been heard of for ``RolloutSettings/silenceLimit``, or is heard of again.
    case silent(HostName)
    case heard(HostName)
    /// A host is new or something about it has changed: labels, versions, space, drained, pinned, refusal.
    case host(FleetHost)
    /// A host is no longer part of the fleet.
    case left(HostName)
    /// A newer rollout of the same line has begun.
    case superseded(by: UInt64)
    /// Activation may, or may not, go on: the window, the age of the signed statement.
    case hold(Hold)
    case lift(Hold)
    /// The publishers have withdrawn the master.
    case revoked
    /// The tracker was away for so long, in which it heard nobody.
    case resumed(after: Span)
    /// The tracker's data are a copy that was restored, and their epoch is another one now.
    case restored(epoch: String)
    /// Time has passed.
    case tick

    /// What holds activation from outside.
    package enum Hold: String, CaseIterable, Sendable {
        case windowClosed = "window-closed"
        case trustExpired = "trust-expired"

        var reason: PauseReason { self == .windowClosed ? .windowClosed : .trustExpired }
    }
}
