// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import TrackerProtocol

/// The masters published at this tracker and what publishers have signed about them. An entry is written once and never
/// changed.
package protocol CatalogueStorage: Sendable {
    /// Takes a torrent into the catalogue unless its name and version are taken.
    func publish(_ entry: PublishedMaster, torrent: [UInt8]) async throws(StorageError) -> Publication
    /// Masters by name and then version.
    func masters(after: MasterName?, limit: Int) async throws(StorageError) -> Page<PublishedMaster, MasterName>
    /// The newest version of a line, or `nil` when there is none.
    func newestMaster(of line: String) async throws(StorageError) -> PublishedMaster?
    /// One version, or `nil` when it is not published here.
    func master(_ master: MasterName) async throws(StorageError) -> PublishedMaster?
    /// The bytes of a version's torrent exactly as published, or `nil` when it is not published here.
    func torrent(of master: MasterName) async throws(StorageError) -> [UInt8]?
    /// What publishers have signed, as it was filed, or `nil`.
    func envelope(of subject: SignedSubject) async throws(StorageError) -> [UInt8]?
    /// Puts an envelope in the place of the one that was read before, `nil` for none.
    /// - Returns: whether it was so: `false` when another one is there by now, or what it is about is not published.
    func replaceEnvelope(
        of subject: SignedSubject, _ known: [UInt8]?, with envelope: [UInt8]
    ) async throws(StorageError) -> Bool
}

/// What became of a torrent that was published.
package enum Publication: Equatable, Sendable {
    /// It is a new entry.
    case created(PublishedMaster)
    /// The catalogue already had the same content, which is the same info-hashes, under this name and version; nothing was
    /// changed.
    case unchanged(PublishedMaster)
    /// The name and version stand for other content; nothing was changed.
    case conflict(PublishedMaster)
}

/// What publishers sign words about.
package enum SignedSubject: Hashable, Sendable {
    /// A version: its statement.
    case master(MasterName)
    /// A line: its pointer.
    case line(String)
}
