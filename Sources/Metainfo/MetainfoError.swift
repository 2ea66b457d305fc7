// SPDX-License-Identifier: Apache-2.0

/// Why a torrent is refused. Each case reads as one sentence.
package enum MetainfoError: Error, Equatable, Sendable, CustomStringConvertible {
    case notBencoded(BencodeError)
    case missing(String)
    case wrongType(String)
    case newerMetaVersion(Int64)
    case badPieceLength(Int64)
    case badSize(Int64)
    case tooManyPieces
    case badFileTree(String)
    case badPieceLayers(String)
    case badPieces
    /// The version 1 and version 2 halves of a hybrid describe different content.
    case inconsistentHybrid(String)
    /// The torrent is readable, but it is not one image with version 2 hashes, so it cannot be fetched.
    case notAnImage(String)

    package var description: String {
        switch self {
        case .notBencoded(.truncated): "the torrent is cut short"
        case .notBencoded(let error): "the torrent is not valid bencoding: \(error)"
        case .missing(let key): "the torrent has no '\(key)'"
        case .wrongType(let key): "the torrent's '\(key)' has the wrong type or is out of range"
        case .newerMetaVersion(let version): "the torrent's meta version is \(version), newer than the supported 2"
        case .badPieceLength(let length):
            "the torrent's piece length is \(length); it must be a power of two from 16 KiB to 256 MiB"
        case .badSize(let size): "the torrent's size is \(size) bytes; it must be positive"
        case .tooManyPieces: "the torrent has more than \(PieceGeometry.maximumPieceCount) pieces"
        case .badFileTree(let reason): "the torrent's file tree is invalid: \(reason)"
        case .badPieceLayers(let reason): "the torrent's piece layers are invalid: \(reason)"
        case .badPieces: "the torrent's version 1 piece hashes do not fit its size"
        case .inconsistentHybrid(let reason): "the torrent's version 1 and version 2 parts disagree: \(reason)"
        case .notAnImage(let reason): "the torrent cannot be fetched as a master: \(reason)"
        }
    }
}
