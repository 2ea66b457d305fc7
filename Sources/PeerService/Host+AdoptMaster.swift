// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import ImageStore
import Metainfo

extension Host {
    /// Registers an image where it lies, once every piece of it was read and compared with its torrent.
    func adoptMaster(
        _ order: HostRequest.AdoptMaster, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> MasterReport {
        let torrent = Array(order.torrent)
        let metainfo = try Metainfo(torrent: torrent)
        let name = try MasterName(order.rename, of: metainfo)
        return try await interruptible { isCancelled in
            self.report(
                try self.store.adopt(
                    order.path, metainfo, torrent: torrent, as: name, label: order.label,
                    progress: {
                        progress(HostProgress(phase: "verifying", done: $0, total: metainfo.geometry.size))
                    }, isCancelled: isCancelled))
        }
    }
}

extension MasterName {
    /// The name a torrent is registered under: the one that was asked for, or else its own.
    /// - Throws: ``HostFailure`` with `.usage` when the former is no name.
    init(_ rename: String?, of metainfo: Metainfo) throws(HostFailure) {
        guard let rename else {
            self.init(sanitising: metainfo.name)
            return
        }
        guard let name = MasterName(rename) else {
            throw HostFailure(.usage, "--as \(rename) does not name a master; write NAME@VERSION, such as debian@3")
        }
        self = name
    }
}
