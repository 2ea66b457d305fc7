// SPDX-License-Identifier: Apache-2.0

import Metainfo

extension FuzzTarget {
    /// Bencoding is canonical: what is accepted is written again to the byte, and no limit is exceeded.
    static let bencode = FuzzTarget("bencode") { bytes in
        let limits = BencodeLimits(byteCount: 4000, depth: 12, valueCount: 400)
        let outcome = Result { () throws(BencodeError) in
            try BencodeDecoder.decode(bytes, watching: "info", limits: limits)
        }
        switch outcome {
        case .success(let (value, span)): try accepted(value, span, bytes, limits)
        case .failure(let error): try refused(error, bytes, limits)
        }
    }

    private static func accepted(
        _ value: Bencode, _ span: Range<Int>?, _ bytes: [UInt8], _ limits: BencodeLimits
    ) throws {
        try expectEqual(value.encoded, bytes, "written again")
        try expect(bytes.count <= limits.byteCount, "\(bytes.count) bytes are too many")
        let (depth, count) = measure(value)
        try expect(depth <= limits.depth, "it nests \(depth) deep")
        try expect(count <= limits.valueCount, "it has \(count) values")
        try expectEqual(span.map { Array(bytes[$0]) }, value["info"]?.encoded, "the span of a key")
        let prefix = try BencodeDecoder.decodePrefix(bytes, limits: limits)
        try expectEqual(prefix.value, value, "read as a prefix")
        try expectEqual(prefix.byteCount, bytes.count, "length of the prefix")
    }

    private static func refused(_ error: BencodeError, _ bytes: [UInt8], _ limits: BencodeLimits) throws {
        guard case .trailingBytes(let end) = error else { return }
        let prefix = try BencodeDecoder.decodePrefix(bytes, limits: limits)
        try expectEqual(prefix.byteCount, end, "length of the prefix")
        try expectEqual(prefix.value.encoded, Array(bytes.prefix(end)), "the prefix written again")
    }

    /// How deep a value nests and how many values, keys included, are in it.
    private static func measure(_ value: Bencode) -> (depth: Int, count: Int) {
        let children = value.list ?? value.entries?.map(\.value) ?? []
        let keys = value.entries?.count ?? 0
        return children.map(measure).reduce((0, 1 + keys)) { (max($0.0, $1.depth + 1), $0.1 + $1.count) }
    }
}
