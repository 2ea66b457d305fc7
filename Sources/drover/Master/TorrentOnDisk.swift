// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import PeerService

/// A .torrent file that the user names.
enum TorrentOnDisk {
    /// - Throws: ``HostFailure``; `.notFound` when there is no such file.
    static func read(_ path: String) throws(HostFailure) -> [UInt8] {
        do throws(FileError) {
            return try PosixFiles().contents(of: StoreLayout.resolve(path), limit: TorrentFile.maximumByteCount)
        } catch {
            if error.cause == .notFound { throw HostFailure(.notFound, "there is no file \(path); check the path") }
            throw HostFailure(.failed, "\(path) cannot be read: \(error.reason)")
        }
    }
}
