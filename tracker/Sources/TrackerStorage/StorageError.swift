// SPDX-License-Identifier: Apache-2.0

/// Why a tracker's storage cannot be opened, read or written.
package enum StorageError: Error, Equatable, Sendable {
    /// It cannot be opened or made.
    case cannotOpen(place: String, reason: String)
    /// There is something else in its place.
    case foreign(place: String)
    /// A newer version of this program has changed its layout.
    case newerSchema(place: String)
    /// Its disk has no room.
    case noSpace
    /// It holds as many as it may.
    case full(what: String, limit: Int)
    /// One thing is longer than it may be.
    case tooLarge(what: String, limit: Int)
    /// A rollout's log has gone on, or is not as far, since it was read. Nothing was appended.
    case sequenceMoved(rollout: String, expected: Int, actual: Int)
    /// The database reports an error.
    case failed(reason: String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotOpen(let place, let reason):
            "The database \(place) cannot be opened for writing (\(reason)); "
                + "check that its folder exists and that this user may write there."
        case .foreign(let place):
            "The file \(place) is not a tracker's database; name another file with --database."
        case .newerSchema(let place):
            "The database \(place) was written by a newer drover-tracker; run that version, or name another file."
        case .noSpace:
            "The tracker's disk is full; free some space there and try again."
        case .full(let what, let limit):
            "The tracker already holds \(limit) \(what), which is its limit; remove some before adding more."
        case .tooLarge(let what, let limit):
            "The \(what) is longer than \(limit) bytes, which is the limit; make it shorter."
        case .sequenceMoved(let rollout, let expected, let actual):
            "The rollout \(rollout) is at event \(actual) and not \(expected); read it again and decide anew."
        case .failed(let reason):
            "The tracker's database reports an error (\(reason)); check its disk, then try again."
        }
    }
}
