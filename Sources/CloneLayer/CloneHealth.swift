// SPDX-License-Identifier: Apache-2.0

/// Whether a clone is usable.
package enum CloneHealth: Equatable, Sendable {
    case ok
    /// It works, and will not for long unless somebody acts.
    /// - Parameter reason: one sentence that says what is wrong and what to do.
    case warning(reason: String)
    /// - Parameter reason: one sentence that says what is wrong and what to do.
    case broken(reason: String)

    /// What is wrong, or will be; `nil` when all is well.
    package var sentence: String? {
        switch self {
        case .ok: nil
        case .warning(let reason), .broken(let reason): reason
        }
    }

    package var isUsable: Bool {
        switch self {
        case .ok, .warning: true
        case .broken: false
        }
    }
}

/// What is known of a clone at a moment.
package struct CloneCondition: Equatable, Sendable {
    package var health: CloneHealth
    /// How full the room for what is written to it is, 0 to 1; `nil` where only the disk bounds it.
    package var fill: Double?

    package init(_ health: CloneHealth, fill: Double? = nil) {
        self.health = health
        self.fill = fill
    }

    /// From here on a clone is said to run full: there is still time to act.
    package static let fillToWarnAt = 0.8

    /// The condition of a clone that works and has filled so much of its room.
    init(fill: Double, of room: String, remedy: String) {
        let percent = Int(exactly: (min(max(fill, 0), 1) * 100).rounded(.down)) ?? 100
        self.init(
            fill < Self.fillToWarnAt ? .ok : .warning(reason: "\(room) is \(percent) % full; \(remedy)"), fill: fill)
    }

    static func broken(_ reason: String) -> CloneCondition { CloneCondition(.broken(reason: reason)) }
}

/// A clone whose condition is asked for.
package struct CloneQuery: Sendable {
    package let artefact: CloneArtefact
    /// Its master, or `nil` when the store no longer has it.
    package let master: MasterImage?

    package init(_ artefact: CloneArtefact, master: MasterImage?) {
        self.artefact = artefact
        self.master = master
    }
}
