// SPDX-License-Identifier: Apache-2.0

/// What someone asked for when a fetch began. It is on disk before the first byte arrives and stays there until the
/// clones are made, so that a restart at any point keeps the promise.
package struct FetchRequest: Codable, Equatable, Sendable {
    /// Clones to be made the moment the master is registered.
    package struct Clones: Codable, Equatable, Sendable {
        /// The clone's name, or the stem of `BASE-1` to `BASE-COUNT`.
        package var base: String
        /// `nil` for a single clone that is called exactly ``base``.
        package var count: Int?
        /// The clone backend's name; `auto` leaves the choice to the clone layer.
        package var backend: String

        package init(base: String, count: Int? = nil, backend: String = "auto") {
            self.base = base
            self.count = count
            self.backend = backend
        }
    }

    /// Announce URLs in addition to the torrent's own.
    package var trackers: [String]
    package var clones: Clones?
    /// Free text for people, shown with the master.
    package var label: String?
    /// Whether nobody needs to have signed it.
    package var unsigned: Bool?
    /// For what a tracker ordered: the part of the host's link in percent that it may take. It yields to other work.
    package var stageRatePercent: Int?

    /// Whether a tracker ordered it, and nobody on this host has asked for it since.
    package var isOrdered: Bool { stageRatePercent != nil }

    package init(
        trackers: [String] = [], clones: Clones? = nil, label: String? = nil, unsigned: Bool? = nil,
        stageRatePercent: Int? = nil
    ) {
        self.unsigned = unsigned
        self.stageRatePercent = stageRatePercent
        self.trackers = trackers
        self.clones = clones
        self.label = label
    }
}

/// `partial/NAME@VERSION.json`: the wish and the content it is about.
struct FetchRecord: Codable, Equatable, Sendable {
    static let currentFormat = 1

    var format = FetchRecord.currentFormat
    /// Version 2 info-hash in hexadecimal.
    var infoHash: String
    var request: FetchRequest
}
