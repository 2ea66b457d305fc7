// SPDX-License-Identifier: Apache-2.0

/// The sizes of a pool of thin devices, in bytes.
struct ThinPool: Equatable, Sendable {
    /// 64 KiB: what is copied from the master at a small first write, and allocated to a clone together.
    static let blockSectors = 128
    private static let block: Int64 = 64 << 10
    /// A little less is left to the rest of the store.
    private static let tenthsOfSpace: Int64 = 9
    /// What the kernel takes of a metadata device (16 GiB less a little), and what it needs at least.
    private static let metadataRange: ClosedRange<Int64> = (4 << 20)...(15 << 30)
    private static let smallestData: Int64 = 16 << 20

    let data: Int64
    let metadata: Int64

    /// A pool that fits into the space there is: its files are sparse, and what they promise must not be more.
    /// - Returns: `nil` when that is too little for any.
    init?(fitting available: Int64) {
        let data = available / 10 * Self.tenthsOfSpace / Self.block * Self.block
        guard data >= Self.smallestData else { return nil }
        self.data = data
        // A mapped block takes up to 64 bytes, and each clone maps its own; twice that, in whole pages.
        let wanted = data / Self.block * 128 / 4096 * 4096
        metadata = min(max(wanted, Self.metadataRange.lowerBound), Self.metadataRange.upperBound)
    }
}
