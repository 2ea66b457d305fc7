// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Reads the torrents that are published, one at a time: reading one takes many times its own length of memory.
actor TorrentReader {
    /// - Throws: what is wrong with the torrent.
    func metainfo(of torrent: [UInt8]) throws(MetainfoError) -> Metainfo { try Metainfo(torrent: torrent) }
}
