// SPDX-License-Identifier: Apache-2.0

/// Why an image from outside is not accepted.
package enum ImageRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Format: String, Sendable {
        case vmdk = "VMDK"
        case vhdx = "VHDX"
        case vdi = "VDI"
    }

    /// It does not begin as files of the format do.
    case notOfFormat(Format)
    /// The file ends before a structure does.
    case truncated(Format)
    /// A field lies outside what the format allows or the file has room for.
    case invalid(Format, field: String, value: UInt64)
    /// The checksum of a structure does not fit its bytes.
    case checksum(Format, of: String)
    /// It asks for something that the format's specification does not define.
    case unknown(Format, feature: String)
    /// It holds only what differs from another image.
    case parent(Format)
    /// The disk's content lies in other files, at least in part, or a name says so.
    case otherFile(Format, named: String)
    /// It was not closed: its log says what is still to be written.
    case unfinished(Format)
    case encrypted(Format)

    package var description: String {
        switch self {
        case .notOfFormat(let format): "this is not a \(format.rawValue) file; name its real format"
        case .truncated(let format): "the \(format.rawValue) file is cut short; get the image again"
        case .invalid(let format, let field, let value):
            "the \(format.rawValue) header is damaged or hostile: \(field) is \(value); get the image from a source you "
                + "trust"
        case .checksum(let format, let structure):
            "the \(format.rawValue) file is damaged: the checksum of its \(structure) is wrong; get the image again"
        case .unknown(let format, let feature):
            "the \(format.rawValue) file needs something that is not known here (\(feature)); convert it with the program "
                + "that made it"
        case .parent(let format):
            "the \(format.rawValue) file holds only what differs from a parent; merge it with its parent first"
        case .otherFile(let format, let name):
            "the \(format.rawValue) file refers to another file (\(name)); convert it to a disk in one file first"
        case .unfinished(let format):
            "the \(format.rawValue) file was not closed and its log is still to be replayed; open and close it once with "
                + "its hypervisor"
        case .encrypted(let format):
            "the \(format.rawValue) file is encrypted; decrypt it with the program that made it"
        }
    }
}
