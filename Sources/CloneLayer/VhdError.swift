// SPDX-License-Identifier: Apache-2.0

/// Why a VHD cannot be written or is not accepted.
package enum VhdError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not carry the cookie of a footer.
    case notVhd
    /// The bytes at hand end before the structure does.
    case truncated
    /// The checksum of a structure does not fit its bytes.
    case checksum(of: String)
    /// A field lies outside what the format allows.
    case invalid(field: String, value: UInt64)
    /// An image from outside that holds only what differs from another.
    case parent
    /// A disk whose size in bytes is no multiple of 512.
    case oddSize(Int64)
    /// A disk of more bytes than Hyper-V opens.
    case tooLarge(Int64)
    /// A parent's name or path that the format cannot hold.
    case nameTooLong(String)

    package var description: String {
        switch self {
        case .notVhd: "this is not a VHD; name its real format"
        case .truncated: "the VHD is cut short; get it again"
        case .checksum(let structure): "the VHD is damaged: the checksum of its \(structure) is wrong; get it again"
        case .invalid(let field, let value):
            "the VHD is damaged or hostile: \(field) is \(value); get it from a source you trust"
        case .parent: "the VHD is a differencing disk or names a parent; merge it with its parent first"
        case .oddSize(let size):
            "a VHD holds whole sectors of 512 bytes and the master has \(size) bytes; enlarge the image to a multiple of "
                + "512 and make a new version of it"
        case .tooLarge(let size):
            "a VHD holds 2040 GiB (\(VhdFormat.largestDisk) bytes) and the master has \(size) bytes; use another backend"
        case .nameTooLong(let name): "the name '\(name)' is too long for a VHD; use a shorter one"
        }
    }
}
