// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What publishers say of one version of a master: this name and version is this content, from now until then.
package struct MasterStatement: SignedStatement {
    package static let payloadType = "application/vnd.drover.master+json"
    package static let noun = "a statement about a master"

    package var name: String
    /// 1 or more, and larger means newer.
    package var version: Int
    /// The whole version 2 info-hash in lower-case hexadecimal: it covers every byte of the image.
    package var infoHashV2: String
    /// The image's size in bytes.
    package var size: Int64
    /// Seconds since 1970.
    package var created: Int64
    /// Seconds since 1970; later than ``created``. From then on no host fetches or activates it.
    package var expires: Int64
    /// The lowest version a host may have active when it activates this one; `nil` for any.
    package var follows: Int?

    package init(
        name: MasterName, infoHashV2: SHA256Digest, size: Int64, created: Int64, expires: Int64, follows: Int? = nil
    ) {
        self.name = name.name
        version = name.version
        self.infoHashV2 = infoHashV2.hex
        self.size = size
        self.created = created
        self.expires = expires
        self.follows = follows
    }

    /// The name and version it is about; `nil` only when it is not sound.
    package var master: MasterName? { MasterName(name: name, version: version) }

    package var isSound: Bool {
        guard let master else { return false }
        return infoHashV2.utf8.count == 64 && infoHashV2.utf8.allSatisfy { Self.digits.contains($0) } && size > 0
            && created >= 0 && expires > created && follows.map { (1..<master.version).contains($0) } ?? true
    }

    /// Whether it speaks of this content.
    package func isAbout(_ hashes: InfoHashes, size: Int64) -> Bool {
        hashes.v2?.hex == infoHashV2 && size == self.size
    }

    private static let digits = Set("0123456789abcdef".utf8)
}
