// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// Where the clones of a store live.
package struct CloneSite: Sendable {
    /// The store's folder of clones: absolute and canonical. It is made with the first clone.
    package let folder: String
    package let files: any FileAccess

    package init(folder: String, files: any FileAccess) {
        self.folder = folder
        self.files = files
    }

    /// The bytes still free in the folder's file system, or `nil` when that cannot be told.
    package var bytesAvailable: Int64? {
        for path in [folder, folder.parentDirectory] {
            if let space = try? files.space(at: path) { return space.available }
        }
        return nil
    }
}
