// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// By what the machine of a clone is known in a network and to its hypervisor: made of the clone's name and the store
/// alone, so that it is the same each time.
package struct MachineIdentity: Hashable, Sendable {
    /// `52:` and five bytes of a hash: an address of one station, given out locally (IEEE 802). With 10,000 machines in a
    /// network two of them meet once in 20,000 times.
    package let hardwareAddress: String
    /// A UUID of version 8 (RFC 9562) made of a hash.
    package let identifier: String

    /// - Parameter scope: what tells this store from every other: the same name elsewhere is another machine.
    package init(of clone: CloneName, scope: String) {
        // A name holds no line feed, so no two pairs of scope and name read the same.
        let digest = SHA256Digest(hashing: Array("drover machine\n\(clone)\n\(scope)".utf8)).bytes
        identifier = VhdIdentifier.derived(from: digest).description
        hardwareAddress = digest.dropFirst(16).prefix(5).reduce("52") { "\($0):\([$1].hexadecimal)" }
    }
}
