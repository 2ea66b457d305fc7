// SPDX-License-Identifier: Apache-2.0

/// One kind of reading or writing. Reads and random writes go to the half of the disk that holds the master's data,
/// sequential writes to the empty half, as new files of a guest do.
package enum IOCase: String, CaseIterable, Codable, Sendable {
    case sequentialRead
    case sequentialWrite
    /// Each block for the first time since the disk was opened.
    case randomReadFirst
    /// The same blocks in the same order once more.
    case randomReadAgain
    /// Each block for the first time since the clone was made.
    case randomWriteFirst
    case randomWriteAgain

    package var title: String {
        switch self {
        case .sequentialRead: "sequential read"
        case .sequentialWrite: "sequential write"
        case .randomReadFirst: "random read, first touch"
        case .randomReadAgain: "random read, again"
        case .randomWriteFirst: "random write, first touch"
        case .randomWriteAgain: "random write, again"
        }
    }

    /// Whether its figures are bytes a second; they are operations a second otherwise.
    package var countsBytes: Bool { self == .sequentialRead || self == .sequentialWrite }
    package var isWrite: Bool {
        self == .sequentialWrite || self == .randomWriteFirst || self == .randomWriteAgain
    }
    /// Whether it repeats the case before it on the same disk.
    package var isRepetition: Bool { self == .randomReadAgain || self == .randomWriteAgain }
    package var blockSize: Int64 { countsBytes ? 256 << 10 : 4 << 10 }
    /// Requests under way at once.
    package var depth: Int { countsBytes ? 8 : 16 }

    /// Where on a disk of `size` bytes it goes.
    package func area(of size: Int64) -> Range<Int64> {
        let half = BenchPlan.dataLength(of: size)
        return self == .sequentialWrite ? half..<size : 0..<half
    }
}
