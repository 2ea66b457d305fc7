// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import Metainfo

/// Where the clones of a store live.
package struct CloneSite: Sendable {
    /// The store's folder of clones: absolute and canonical. It is made with the first clone.
    package let folder: String
    package let files: any FileAccess

    private let look: (@Sendable (String) throws(FileError) -> FileStatus?)?

    /// - Parameter look: asks for what is known of a master's file, of one on a share with a time limit; as any other file
    ///   when it is `nil`.
    package init(
        folder: String, files: any FileAccess, look: (@Sendable (String) throws(FileError) -> FileStatus?)? = nil
    ) {
        self.folder = folder
        self.files = files
        self.look = look
    }

    /// Makes sure that a master's file is the one that was checked. What was read of it before this is then the master's.
    /// - Throws: `.altered`; `.notFound` when it cannot be reached.
    func checkUnchanged(_ master: MasterImage) throws(CloneError) {
        guard let stamp = master.stamp else { return }
        let status: FileStatus?
        do throws(FileError) {
            status = if let look { try look(master.path) } else { try files.status(master.path) }
        } catch {
            throw CloneError(
                .notFound,
                "\(master.path) of \(master.name) cannot be reached (\(error.reason)); see that its share is mounted and "
                    + "try again")
        }
        guard status?.stamp == stamp else {
            throw CloneError(
                .altered,
                "\(master.path) was changed while \(master.name) was being cloned; run `drover master verify "
                    + "\(master.name)`")
        }
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
