// SPDX-License-Identifier: Apache-2.0

import Glibc
import ImageStore
import Metainfo

/// The name under which a store's control socket is reached. A Unix socket name has room for 107 bytes only, so the
/// directory is opened first and the socket named through it; any store path works then.
final class ControlAddress: Sendable {
    private let directory: Int32
    /// A path that is valid while this object lives.
    let path: String
    /// Where the socket is made, out of everybody's reach until it has the right mode.
    let birthplace: String

    /// - Throws: ``HostFailure`` with `.notFound` when the directory cannot be opened.
    init(_ layout: StoreLayout) throws(HostFailure) {
        directory = open(layout.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw HostFailure(.notFound, "there is no store at \(layout.root); check --store or DROVER_STORE")
        }
        path = "/proc/self/fd/\(directory)/control.sock"
        birthplace = "/proc/self/fd/\(directory)/.control"
    }

    deinit { close(directory) }

    /// The URL of a request to the socket, as AsyncHTTPClient writes it.
    func url(_ uri: String) -> String { "http+unix://\(path.percentEncoded)\(uri)" }
}
