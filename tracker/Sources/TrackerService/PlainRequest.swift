// SPDX-License-Identifier: Apache-2.0

/// The head of an announce or a scrape that lies whole in the bytes received, and that needs none of what else HTTP has.
struct PlainRequest {
    enum Path {
        case announce, scrape
    }

    let path: Path
    /// What stands behind the `?`.
    let query: String
    /// Whether the connection goes on afterwards.
    let keepsAlive: Bool
    /// The number of bytes in the head.
    let byteCount: Int

    /// The longest head read, in bytes.
    private static let maximumByteCount = 16 << 10
    private static let maximumFieldCount = 64
    private static let paths: [(Path, StaticString)] = [(.announce, "GET /announce"), (.scrape, "GET /scrape")]
    /// Fields that change what a request means.
    private static let odd: [StaticString] = ["content-length", "transfer-encoding", "expect", "upgrade"]

    /// - Returns: `nil` for everything else, which is no judgement on it.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let (path, prefix) = Self.paths.first(where: { bytes.starts(with: $0.1) }) else { return nil }
        self.path = path
        var reader = LineReader(bytes: bytes.prefix(Self.maximumByteCount))
        guard let line = reader.next(), line.count > prefix.utf8CodeUnitCount + 9 else { return nil }
        let isCurrent = line.suffix(9).elementsEqual(" HTTP/1.1".utf8)
        guard isCurrent || line.suffix(9).elementsEqual(" HTTP/1.0".utf8) else { return nil }
        let target = line.dropFirst(prefix.utf8CodeUnitCount).dropLast(9)
        guard target.first == UInt8(ascii: "?"), target.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 }) else {
            return nil
        }
        query = String(decoding: target.dropFirst(), as: UTF8.self)
        var keepsAlive = isCurrent
        for _ in 0..<Self.maximumFieldCount {
            guard let field = reader.next() else { return nil }
            if field.isEmpty {
                self.keepsAlive = keepsAlive
                byteCount = reader.position
                return
            }
            // What is no field to the letter is for the HTTP server to judge.
            guard let colon = field.firstIndex(of: UInt8(ascii: ":")), colon > field.startIndex else { return nil }
            let name = field[..<colon]
            guard name.allSatisfy(Self.isToken), field[colon...].allSatisfy(Self.isText) else { return nil }
            if Self.odd.contains(where: { name.matches($0) }) { return nil }
            if name.matches("connection") {
                let value = field[(colon + 1)...].drop { $0 == 0x20 }
                if value.matches("close") {
                    keepsAlive = false
                } else if !value.matches("keep-alive") {
                    return nil
                }
            }
        }
        return nil
    }

    /// What a field's name is made of (RFC 9110, section 5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: token.contains(byte)
        }
    }

    private static let token = Array("!#$%&'*+-.^_`|~".utf8)

    /// What a field's value is made of.
    private static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

    /// Lines that end with CR LF.
    private struct LineReader {
        let bytes: Slice<UnsafeRawBufferPointer>
        private(set) var position = 0

        init(bytes: Slice<UnsafeRawBufferPointer>) { self.bytes = bytes }

        mutating func next() -> Slice<UnsafeRawBufferPointer>? {
            guard position < bytes.endIndex, let end = bytes[position...].firstIndex(of: 0x0a), end > position,
                bytes[end - 1] == 0x0d
            else { return nil }
            defer { position = end + 1 }
            return bytes[position..<end - 1]
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func starts(with other: StaticString) -> Bool {
        other.withUTF8Buffer { starts(with: $0) }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Whether these are the letters of `other`, which is in lower case; that of these does not matter.
    fileprivate func matches(_ other: StaticString) -> Bool {
        count == other.utf8CodeUnitCount
            && other.withUTF8Buffer { letters in
                zip(self, letters).allSatisfy { byte, letter in
                    byte == letter || (0x41...0x5a).contains(byte) && byte | 0x20 == letter
                }
            }
    }
}
