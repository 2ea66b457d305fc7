// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A .torrent without its piece layers, as some programs make them; its info-hash stays what it is.
package func withoutPieceLayers(_ torrent: [UInt8]) throws -> [UInt8] {
    let limits = BencodeLimits(byteCount: torrent.count, depth: 100, valueCount: 1_000_000)
    let entries = try BencodeDecoder.decode(torrent, limits: limits).entries ?? []
    return Bencode.sorted(entries.filter { $0.key != Array("piece layers".utf8) }).encoded
}
