// SPDX-License-Identifier: Apache-2.0

/// The bytes of a footer or a dynamic header from outside, once they are known to be whole and undamaged.
struct VhdStructure {
    private let bytes: [UInt8]

    /// - Throws: `.notVhd` without the cookie, `.truncated` for another length, `.checksum` when the bytes do not fit
    ///   theirs.
    init(
        _ bytes: [UInt8], called name: String, cookie: UInt64, byteCount: Int, checksumOffset: Int
    ) throws(VhdError) {
        guard bytes.bigEndian(UInt64.self, at: 0) == cookie else { throw .notVhd }
        guard bytes.count == byteCount else { throw .truncated }
        self.bytes = bytes
        guard try number(UInt32.self, checksumOffset) == VhdFormat.checksum(bytes, at: checksumOffset) else {
            throw .checksum(of: name)
        }
    }

    /// - Throws: `.truncated` when the structure ends before the number does.
    func number<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) throws(VhdError) -> Number {
        guard let number = bytes.bigEndian(type, at: offset) else { throw .truncated }
        return number
    }
}
