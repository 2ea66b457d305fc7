// SPDX-License-Identifier: Apache-2.0

/// What tells the guests in clones of one master from each other, and who may log in. Each clone gets it as a seed image.
package struct GuestIdentity: Hashable, Sendable {
    /// Bytes. Clouds allow 16 to 64 KiB.
    package static let longestUserData = 1 << 20
    package static let mostKeys = 256

    /// The clone's name when it is `nil`, as ``HostName/init(of:number:)`` makes it.
    package let hostName: HostName?
    package let keys: [SSHPublicKey]
    /// What cloud-init runs, exactly as the user wrote it.
    package let userData: [UInt8]?

    /// - Parameters:
    ///   - hostName: of one clone; of many each gets its number, as ``HostName/numbered(_:)`` writes it.
    ///   - keys: texts of public SSH keys, each of one key or more, as .pub files have them.
    /// - Throws: ``CloneError`` of kind `.usage`.
    package init(hostName: String? = nil, keys: [String] = [], userData: [UInt8]? = nil) throws(CloneError) {
        self.hostName = try hostName.map { name throws(CloneError) in try HostName(name) }
        var all: [SSHPublicKey] = []
        for text in keys { all += try SSHPublicKey.keys(in: text) }
        self.keys = all
        self.userData = userData
        guard all.count <= Self.mostKeys else {
            throw CloneError(.usage, "\(all.count) SSH keys are too many: give up to \(Self.mostKeys)")
        }
        guard let userData else { return }
        guard !userData.isEmpty else { throw CloneError(.usage, "the user data is empty; check the file") }
        guard userData.count <= Self.longestUserData else {
            throw CloneError(
                .usage, "the user data is larger than 1 MiB; put large files where the guest can fetch them")
        }
    }

    /// A seed image for each of the clones, with an instance id of its own.
    /// - Parameter isNumbered: whether the clones are numbered from 1, in this order.
    /// - Throws: ``CloneError`` of kind `.usage` for a clone whose guest would have no valid host name.
    func seedImages(
        for clones: [CloneName], isNumbered: Bool, newInstance: () -> String
    ) throws(CloneError) -> [SeedImage] {
        var images: [SeedImage] = []
        images.reserveCapacity(clones.count)
        for (index, clone) in clones.enumerated() {
            let name =
                if let hostName { isNumbered ? try hostName.numbered(index + 1) : hostName } else {
                    try HostName(of: clone, number: isNumbered ? index + 1 : nil)
                }
            images.append(SeedImage(instance: newInstance(), hostName: name, keys: keys, userData: userData))
        }
        return images
    }
}
