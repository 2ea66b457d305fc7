// SPDX-License-Identifier: Apache-2.0

/// Why the catalogue of published masters cannot be opened, read or written.
package enum CatalogueError: Error, Sendable {
    /// The file cannot be opened or made.
    case cannotOpen(path: String, reason: String)
    /// The file is something else than a database.
    case notADatabase(path: String)
    /// A newer version of this program has changed the database's layout.
    case newerSchema(path: String)
    /// The disk has no room for another entry.
    case noSpace
    /// The catalogue holds as many masters as it may.
    case full(count: Int)
    /// SQLite reports an error.
    case database(reason: String)
}

extension CatalogueError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "The database \(path) cannot be opened for writing (\(reason)); "
                + "check that its folder exists and that this user may write there."
        case .notADatabase(let path):
            "The file \(path) is not a tracker's database; name another file with --database."
        case .newerSchema(let path):
            "The database \(path) was written by a newer drover-tracker; run that version, or name another file."
        case .noSpace:
            "The tracker's disk is full; free some space there and publish again."
        case .full(let count):
            "The catalogue already holds \(count) masters, which is its limit; remove some before publishing more."
        case .database(let reason):
            "The tracker's database reports an error (\(reason)); check its disk, then try again."
        }
    }
}
