// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A disk as qemu opens it for a machine with cache=none: the page cache is passed by, formats are never probed.
package struct DiskImage: Equatable, Sendable {
    package enum Format: Equatable, Sendable {
        case raw
        /// An overlay over a raw image.
        case qcow2(backing: String)
        /// A block device.
        case device
    }

    package let path: String
    package let format: Format

    package init(path: String, format: Format) {
        self.path = path
        self.format = format
    }

    /// The name of its node.
    static let node = "disk"

    /// What `--blockdev` takes, for a machine and for qemu-storage-daemon alike.
    package func blockdev() throws -> String {
        let file = Node.File(driver: format == .device ? "host_device" : "file", filename: path)
        let image: Node =
            switch format {
            case .raw, .device: Node(driver: "raw", name: Self.node, file: file)
            case .qcow2(let backing):
                Node(
                    driver: "qcow2", name: Self.node, file: file,
                    backing: Node(
                        driver: "raw", name: "master", file: Node.File(driver: "file", filename: backing),
                        isReadOnly: true))
            }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(image), as: UTF8.self)
    }

    /// A node of qemu's block layer, as its `blockdev-add` takes it.
    private final class Node: Encodable {
        struct File: Encodable {
            let driver: String
            let filename: String
            let cache = ["direct": true]
            let aio = "native"
        }

        let driver: String
        let name: String
        let file: File
        let isReadOnly: Bool
        let backing: Node?

        init(driver: String, name: String, file: File, isReadOnly: Bool = false, backing: Node? = nil) {
            self.driver = driver
            self.name = name
            self.file = file
            self.isReadOnly = isReadOnly
            self.backing = backing
        }

        enum CodingKeys: String, CodingKey {
            case driver, file, backing
            case name = "node-name"
            case isReadOnly = "read-only"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(driver, forKey: .driver)
            try container.encode(name, forKey: .name)
            try container.encode(file, forKey: .file)
            try container.encode(isReadOnly, forKey: .isReadOnly)
            try container.encodeIfPresent(backing, forKey: .backing)
        }
    }
}
