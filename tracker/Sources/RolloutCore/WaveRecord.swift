// SPDX-License-Identifier: Apache-2.0

/// What the log says about one wave.
package struct WaveRecord: Equatable, Sendable {
    package internal(set) var state = WaveState.waiting
    /// Failures that an operator knows of and wants to go on with.
    var tolerated = 0
    /// Places of its hosts, in the order in which they are taken; hosts that were moved away stay listed.
    var members: [Int] = []
    var tally = WaveTally()

    mutating func forgive() { tolerated = min(tolerated, tally.failed) }
}
