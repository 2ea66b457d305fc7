// SPDX-License-Identifier: Apache-2.0

/// How much room a device-mapper snapshot needs for what is written to it (the kernel's dm-snap-persistent.c).
enum SnapshotStore {
    /// 4 KiB: what is copied from the master at the first write, and how large a unit of metadata is.
    static let chunkSectors = 8
    private static let chunk: Int64 = 4096
    /// One chunk of metadata knows of as many chunks of data, 16 bytes each.
    private static let chunksPerArea: Int64 = chunk / 16

    /// Bytes that hold every chunk of a master: a header, and an area of metadata before each 256 chunks of data. The
    /// kernel begins the next area when one is full, and so there is one more at the end.
    /// - Returns: `nil` for a master too large for the arithmetic.
    static func size(forMasterOf bytes: Int64) -> Int64? {
        let chunks = bytes / chunk + (bytes % chunk == 0 ? 0 : 1)
        let areas = chunks / chunksPerArea + 1
        let (total, overflow) = (1 + areas).addingReportingOverflow(chunks)
        guard !overflow else { return nil }
        let (size, isTooLarge) = total.multipliedReportingOverflow(by: chunk)
        return isTooLarge ? nil : size
    }
}
