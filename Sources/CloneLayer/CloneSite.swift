// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import Metainfo

/// Where the clones of a store live.
package struct CloneSite: Sendable {
    /// The store's folder of clones: absolute and canonical. It is made with the first clone.
    package let folder: String
    package let files: any FileAccess

    package init(folder: String, files: any FileAccess) {
        self.folder = folder
        self.files = files
    }

    /// By this word devices and volumes are known to belong to this store and not to another one of the host.
    package var owner: String { String(SHA256Digest(hashing: Array(folder.utf8)).hex.prefix(12)) }

    /// The bytes still free in the folder's file system, or `nil` when that cannot be told.
    package var bytesAvailable: Int64? {
        for path in [folder, folder.parentDirectory] {
            if let space = try? files.space(at: path) { return space.available }
        }
        return nil
    }
}
