// SPDX-License-Identifier: Apache-2.0

/// What this host has decided about the versions of a line of masters: which one a bare NAME means for new clones, where to
/// go back to, what not to come back to, what to keep and what to let go. A value without effects; ``ImageStore`` keeps it
/// on disk.
package struct ActiveVersions: Codable, Equatable, Sendable {
    /// How many versions before the active one are kept for going back.
    package static let keptVersions = 2
    /// The most versions that are remembered as bad; the oldest is forgotten first.
    package static let deniedLimit = 1_000

    /// A version that this host went back from.
    package struct Denial: Codable, Equatable, Sendable {
        package let version: Int
        /// Seconds since 1970.
        package let at: Int64
        /// Why, in somebody's words.
        package let reason: String
    }

    /// `nil` when nothing was ever activated, or nothing is left to be active.
    package private(set) var current: Int?
    /// The versions that were active before, the last one first; at most ``keptVersions``.
    package private(set) var previous: [Int] = []
    /// Versions that are not activated again before somebody says so.
    package private(set) var denied: [Denial] = []

    /// Versions that are used no more, and go with their last clone.
    package private(set) var retired: Set<Int> = []
    /// Versions that stay whatever space is wanted.
    package private(set) var pinned: Set<Int> = []

    package init() {}

    /// The versions that must stay on this host: the active one and those it can go back to.
    package var kept: [Int] { (current.map { [$0] } ?? []) + previous }

    package func denial(of version: Int) -> Denial? { denied.first { $0.version == version } }

    /// Makes a version the active one. What was active becomes the first to go back to.
    package mutating func activate(_ version: Int) {
        guard version != current else { return }
        previous.removeAll { $0 == version }
        if let current { previous.insert(current, at: 0) }
        previous = Array(previous.prefix(Self.keptVersions))
        current = version
        retired.remove(version)
        allow(version)
    }

    /// Lets a version go when its last clone does. The active one cannot be retired.
    /// - Returns: whether that was done.
    package mutating func retire(_ version: Int) -> Bool {
        guard version != current else { return false }
        previous.removeAll { $0 == version }
        retired.insert(version)
        return true
    }

    package mutating func pin(_ version: Int, _ isPinned: Bool) {
        if isPinned { pinned.insert(version) } else { pinned.remove(version) }
    }

    /// Whether a bare name may mean the version without anybody having activated it.
    package func isEligible(_ version: Int) -> Bool { denial(of: version) == nil && !retired.contains(version) }

    /// Goes back to the last version before this one that can be used, and remembers the one that is left as bad.
    /// - Parameters:
    ///   - at: seconds since 1970.
    ///   - canBeUsed: whether a version is here and sound.
    /// - Returns: the version gone back to, or `nil` when there is none; nothing changes then.
    package mutating func rollBack(
        reason: String, at: Int64, canBeUsed: (Int) -> Bool
    ) -> Int? {
        guard let bad = current,
            let index = previous.firstIndex(where: { denial(of: $0) == nil && canBeUsed($0) })
        else { return nil }
        // checked: it was found there.
        current = previous.remove(at: index)
        // What lies between the two was no good to go back to, and would be no better later.
        previous.removeSubrange(..<index)
        deny(bad, reason: reason, at: at)
        return current
    }

    /// Leaves a version for a certain one, or for none, and remembers it as bad. Where it is not the active one, nothing else
    /// changes.
    /// - Parameter at: seconds since 1970.
    package mutating func leave(_ bad: Int, for target: Int?, reason: String, at: Int64) {
        if current == bad {
            current = target
            if let target { previous.removeAll { $0 == target } }
        }
        deny(bad, reason: reason, at: at)
    }

    private mutating func deny(_ version: Int, reason: String, at: Int64) {
        denied.removeAll { $0.version == version }
        denied.append(Denial(version: version, at: at, reason: reason))
        if denied.count > Self.deniedLimit { denied.removeFirst(denied.count - Self.deniedLimit) }
        previous.removeAll { $0 == version }
    }

    /// Forgets that a version was bad.
    package mutating func allow(_ version: Int) { denied.removeAll { $0.version == version } }

    /// A version is gone from this host. When it was the active one, the last before it is.
    package mutating func forget(_ version: Int) {
        previous.removeAll { $0 == version }
        retired.remove(version)
        pinned.remove(version)
        if current == version { current = previous.isEmpty ? nil : previous.removeFirst() }
    }
}
