// SPDX-License-Identifier: Apache-2.0

/// A master in a tracker's catalogue, as the tracker's API writes it in JSON.
package struct PublishedMaster: Codable, Equatable, Sendable {
    /// The line of masters.
    package var name: String
    /// The version; 1 or more.
    package var version: Int
    /// What people call this version, if anything.
    package var label: String?
    /// The image's size in bytes.
    package var size: Int64
    /// The version 1 info-hash in lower-case hexadecimal, or absent.
    package var infoHashV1: String?
    /// The whole version 2 info-hash in lower-case hexadecimal, or absent.
    package var infoHashV2: String?
    /// When the tracker took it: UTC in the form `2026-01-31T12:00:00Z`.
    package var published: String

    package init(
        name: String, version: Int, label: String?, size: Int64, infoHashV1: String?, infoHashV2: String?,
        published: String
    ) {
        self.name = name
        self.version = version
        self.label = label
        self.size = size
        self.infoHashV1 = infoHashV1
        self.infoHashV2 = infoHashV2
        self.published = published
    }
}

/// The answer to `GET /api/v1/masters`: a page of the list, by name and then version.
package struct PublishedMasters: Codable, Equatable, Sendable {
    package var masters: [PublishedMaster]
    /// The `NAME@VERSION` after which the next page begins; `nil` after the last.
    package var next: String?

    package init(masters: [PublishedMaster], next: String? = nil) {
        self.masters = masters
        self.next = next
    }
}
