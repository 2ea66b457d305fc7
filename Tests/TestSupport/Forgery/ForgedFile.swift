// SPDX-License-Identifier: Apache-2.0

/// A file that a test makes up byte by byte.
package struct ForgedFile: Sendable {
    package var bytes: [UInt8]

    package init(size: Int) { bytes = Array(repeating: 0, count: size) }

    /// Puts bytes there; the file grows if it must.
    package mutating func put(_ new: some Collection<UInt8>, at offset: Int) {
        if bytes.count < offset + new.count {
            bytes += Array(repeating: 0, count: offset + new.count - bytes.count)
        }
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
    }

    package mutating func put(_ text: String, at offset: Int) { put(Array(text.utf8), at: offset) }

    package mutating func putLittle(_ number: some FixedWidthInteger, at offset: Int) {
        put(withUnsafeBytes(of: number.littleEndian) { Array($0) }, at: offset)
    }

    package mutating func putBig(_ number: some FixedWidthInteger, at offset: Int) {
        put(withUnsafeBytes(of: number.bigEndian) { Array($0) }, at: offset)
    }

    /// The same file with something changed.
    package func with(_ change: (inout ForgedFile) -> Void) -> ForgedFile {
        var copy = self
        change(&copy)
        return copy
    }
}
