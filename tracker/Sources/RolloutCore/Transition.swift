// SPDX-License-Identifier: Apache-2.0

/// What an event changed. Names and labels of the cases are part of the log's format.
package enum Transition: Equatable, Sendable, Codable {
    /// The first event of every log. Times and waits that are drawn at random follow from `seed`.
    case created(number: UInt64, epoch: String, target: RolloutTarget, settings: RolloutSettings, seed: UInt64)
    /// The waves, and who is put aside for now.
    case planned(waves: [[PlannedHost]], aside: [PlannedHost])
    /// The phase changed. One that does not go forward ends any pause, and every deadline of a host. Before anything was
    /// begun there is a time limit.
    case phase(RolloutPhase, deadline: Instant?)
    case paused(PauseReason)
    case resumed
    /// Something outside holds activation, or no longer does.
    case held(PauseReason)
    case lifted(PauseReason)
    case wave(number: Int, WaveState)
    /// These hosts are now in this state, and must leave it before the deadline when there is one.
    case hosts([HostName], HostState, deadline: Instant?)
    case progressed(host: HostName, bytes: UInt64, deadline: Instant)
    case moved([HostName], wave: Int)
    case joined(PlannedHost)
    /// The attempts of these hosts are counted anew.
    case recounted([HostName])
    /// Deadlines of these hosts are later by this much.
    case extended([HostName], by: Span)
    /// The tracker was away for so long: all that hosts had to do by a time may take as much longer.
    case shifted(by: Span)
    /// What a host would go back to is another version than the plan says.
    case found(host: HostName, previous: UInt64?)
    /// The publishers have withdrawn the master.
    case revoked
    /// The tracker's data are an older copy from now on: what hosts say by orders of another epoch is unknown here.
    case restored(epoch: String)
    /// So many failures of a wave, or of staging, are known to an operator who wants to go on.
    case tolerated(wave: Int?, failures: Int)
    /// A command changed nothing, and was taken.
    case noted(command: String)
}
