// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// Which masters may go from a host, and in what order. A value without effects: it is told what there is and says what
/// to do; nobody's clone is ever left without its master.
package struct Retention: Sendable {
    /// A master as far as its going is concerned.
    package struct Entry: Equatable, Sendable {
        package var name: MasterName
        /// Bytes that its going would free.
        package var bytes: Int64
        /// Seconds since 1970.
        package var registeredAt: Int64
        /// Clones that depend on it.
        package var clones: Int
        /// Whether its line stands at it, or could go back to it.
        package var isKept: Bool
        package var isPinned: Bool
        package var isRetired: Bool
        /// Whether it is the newest of its line, or what a bare name means.
        package var isNewest: Bool

        package init(
            name: MasterName, bytes: Int64, registeredAt: Int64, clones: Int, isKept: Bool, isPinned: Bool,
            isRetired: Bool, isNewest: Bool
        ) {
            self.name = name
            self.bytes = bytes
            self.registeredAt = registeredAt
            self.clones = clones
            self.isKept = isKept
            self.isPinned = isPinned
            self.isRetired = isRetired
            self.isNewest = isNewest
        }
    }

    /// Why a master goes.
    package enum Cause: String, Codable, Sendable {
        /// It was retired, and nothing depends on it.
        case retired
        /// The masters take more than they may, and it is the oldest that may go.
        case quota
    }

    /// Why a master stays although it was to go.
    package enum Hindrance: String, Codable, Sendable {
        case clones
        case pinned
        /// Its line stands at it, or could go back to it.
        case kept
        /// It is the newest of its line.
        case newest
    }

    package struct Removal: Equatable, Sendable {
        package var entry: Entry
        package var cause: Cause
    }

    /// What goes, first things first.
    package private(set) var removals: [Removal] = []
    /// Retired masters that stay for now, and why.
    package private(set) var waiting: [(name: MasterName, hindrance: Hindrance)] = []
    /// Bytes over the quota that cannot be freed, because everything left is needed; 0 when the quota is met.
    package private(set) var excess: Int64 = 0

    /// - Parameter quota: the most bytes that masters may take; `nil` for any.
    package init(of entries: [Entry], quota: Int64?) {
        for entry in entries.sorted(by: { $0.name < $1.name }) where entry.isRetired {
            if let hindrance = Self.hindrance(entry) {
                waiting.append((entry.name, hindrance))
            } else {
                removals.append(Removal(entry: entry, cause: .retired))
            }
        }
        guard let quota else { return }
        let going = Set(removals.map(\.entry.name))
        var left = entries.filter { !going.contains($0.name) }.reduce(0) { Self.sum($0, $1.bytes) }
        let candidates = entries.filter { !going.contains($0.name) && !$0.isNewest && Self.hindrance($0) == nil }
        for entry in candidates.sorted(by: { ($0.registeredAt, $0.name) < ($1.registeredAt, $1.name) }) {
            guard left > quota else { break }
            removals.append(Removal(entry: entry, cause: .quota))
            left -= entry.bytes
        }
        excess = max(0, left - quota)
    }

    private static func hindrance(_ entry: Entry) -> Hindrance? {
        if entry.clones > 0 { return .clones }
        if entry.isPinned { return .pinned }
        return entry.isKept ? .kept : nil
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
