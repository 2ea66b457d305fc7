// SPDX-License-Identifier: Apache-2.0

/// What a guest's cloud-init reads at its first start: a CD-ROM image labelled `cidata` with the files `meta-data` and
/// `user-data` (the NoCloud data source).
///
/// Host name and keys go into the meta-data, so that the user's own data is passed on unchanged
/// (docs/decisions/0019-identity-in-meta-data.md).
package struct SeedImage: Hashable, Sendable {
    package static let label = "cidata"
    /// Bytes of the longest image: the longest user data, as many keys as there may be, and the file system around them.
    static let longest = GuestIdentity.longestUserData + 4 << 20

    private static let metaDataName = "meta-data"
    private static let userDataName = "user-data"
    private static let instanceKey = "instance-id: "
    /// A file of user data there must be, or cloud-init takes the image for none.
    private static let noUserData = "#cloud-config\n{}\n"

    package let metaData: [UInt8]
    package let userData: [UInt8]

    /// - Parameter instance: cloud-init does its work once for each.
    package init(instance: String, hostName: HostName, keys: [SSHPublicKey], userData: [UInt8]?) {
        var text = Self.instanceLine(instance)
        text += "local-hostname: \(Self.quoted(hostName.text))\n"
        if !keys.isEmpty { text += "public-keys:\n" }
        for key in keys { text += "- \(Self.quoted(key.text))\n" }
        metaData = Array(text.utf8)
        self.userData = userData ?? Array(Self.noUserData.utf8)
    }

    private init(metaData: [UInt8], userData: [UInt8]) {
        self.metaData = metaData
        self.userData = userData
    }

    /// Reads an image that ``bytes`` gave; `nil` for every other.
    package init?(_ bytes: [UInt8]) {
        guard let files = DiscImage.files(bytes), files.count == 2, let metaData = files.first,
            let userData = files.last, metaData.starts(with: Self.instanceKey.utf8), metaData.contains(0x0a)
        else { return nil }
        self.init(metaData: metaData, userData: userData)
        guard self.bytes == bytes else { return nil }
    }

    /// The same for another instance: cloud-init does its work anew.
    package func renewed(instance: String) -> SeedImage {
        let rest = metaData.drop { $0 != 0x0a }.dropFirst()
        return SeedImage(metaData: Array(Self.instanceLine(instance).utf8) + rest, userData: userData)
    }

    /// The image; the same content gives the same bytes.
    package var bytes: [UInt8] {
        DiscImage(
            label: Self.label,
            files: [
                DiscImage.File(name: Self.metaDataName, bytes: metaData),
                DiscImage.File(name: Self.userDataName, bytes: userData),
            ]
        ).bytes
    }

    private static func instanceLine(_ instance: String) -> String { "\(instanceKey)\(quoted(instance))\n" }

    /// A string of YAML that means this text and nothing else, whatever is in it.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case " "..."~": result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
            }
        }
        return result + "\""
    }
}
