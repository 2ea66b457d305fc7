// SPDX-License-Identifier: Apache-2.0

/// Why a qcow2 file cannot be written or is not accepted.
package enum Qcow2Error: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not begin as a qcow2 file does.
    case notQcow2
    case unsupportedVersion(UInt32)
    /// The header goes on after the bytes at hand.
    case truncated
    /// A field lies outside what the format or qemu allows.
    case invalid(field: String, value: UInt64)
    /// Incompatible feature bits that the specification does not define (a mask).
    case unknownFeatures(UInt64)
    case encrypted
    case backingFile
    case dataFile
    case snapshots
    /// The corrupt bit is set: writers found the metadata inconsistent.
    case corrupt
    /// A cluster size that is not a power of two from 4 KiB to 2 MiB.
    case clusterSize(Int)
    /// A cluster size too small to be allocated in parts.
    case extendedClusterSize(Int)
    /// A virtual size, in bytes, that the cluster size cannot address.
    case tooLarge(virtualSize: Int64, clusterSize: Int)
    /// A backing path of more bytes than the format holds.
    case backingPathTooLong(bytes: Int)
    case backingPathNotAbsolute(String)

    package var description: String {
        switch self {
        case .notQcow2: "this is not a qcow2 file; name its real format"
        case .unsupportedVersion(let version):
            "qcow2 version \(version) is not known; convert the image to version 3 with qemu-img"
        case .truncated: "the qcow2 header is cut short; get the image again"
        case .invalid(let field, let value):
            "the qcow2 header is damaged or hostile: \(field) is \(value); get the image from a source you trust"
        case .unknownFeatures(let bits):
            "the qcow2 image needs features that are not known here (bits \(Self.places(of: bits))); "
                + "convert it with the program that made it"
        case .encrypted: "the qcow2 image is encrypted; decrypt it with qemu-img convert first"
        case .backingFile: "the qcow2 image names a backing file; flatten it with qemu-img convert first"
        case .dataFile: "the qcow2 image names an external data file; flatten it with qemu-img convert first"
        case .snapshots: "the qcow2 image holds internal snapshots; drop them with qemu-img snapshot -d first"
        case .corrupt: "the qcow2 image is marked corrupt; repair it with qemu-img check -r all first"
        case .clusterSize(let size):
            "a cluster size of \(size) bytes cannot be used: take a power of two from 4096 to 2097152"
        case .extendedClusterSize(let size):
            "clusters of \(size) bytes cannot be allocated in parts; use 16384 bytes or more, or no extended L2"
        case .tooLarge(let size, let cluster):
            "\(size) bytes are too many for qcow2 with clusters of \(cluster) bytes; use larger clusters"
        case .backingPathTooLong(let bytes):
            "the master's path has \(bytes) bytes and qcow2 holds 1023; move the store to a shorter path"
        case .backingPathNotAbsolute(let path):
            "the backing path '\(path)' is not absolute; give the master's full path"
        }
    }

    private static func places(of bits: UInt64) -> String {
        (0..<64).filter { bits >> $0 & 1 == 1 }.map(String.init).joined(separator: ", ")
    }
}
