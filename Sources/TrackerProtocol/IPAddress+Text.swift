// SPDX-License-Identifier: Apache-2.0

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or the IPv6 text form of RFC 5952 without brackets.
    package var description: String {
        guard isIPv6 else { return bytes.map(String.init).joined(separator: ".") }
        // checked: the gap lies within the groups.
        let groups = groups
        guard let gap = Self.longestZeroRun(groups) else {
            return Self.text(groups[...])
        }
        return "\(Self.text(groups[..<gap.lowerBound]))::\(Self.text(groups[gap.upperBound...]))"
    }

    private var groups: [UInt16] {
        let bytes = bytes
        // checked: an address has an even number of bytes.
        return stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    }

    private static func text(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first of the longest runs of at least two zero groups.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        // checked: the start is below the count, and the end never before it.
        while start < groups.count {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start >= 2, end - start > (longest?.count ?? 0) { longest = start..<end }
            start = end
        }
        return longest
    }
}

extension IPAddress {
    /// Reads a literal address: dotted decimal without leading zeros, or the IPv6 text forms of RFC 4291 §2.2 without
    /// brackets and without a zone. Names are not looked up.
    package init?(parsing text: some StringProtocol) {
        guard text.utf8.count <= 45 else { return nil }
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bytes = Self.ipv6Bytes(String(text)) else { return nil }
            self.init(bytes)
        } else {
            guard let bytes = Self.ipv4Bytes(text) else { return nil }
            self.init(bytes)
        }
    }

    private static func ipv4Bytes(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard let byte = DecimalNumber.parse(part.utf8, as: UInt8.self) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func ipv6Bytes(_ text: String) -> [UInt8]? {
        // "::" stands for the zero groups that are missing and may occur once.
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        // checked: splitting gives one part at least, and where there is not one there are two.
        guard halves.count <= 2 else { return nil }
        if halves.count == 1 {
            guard let bytes = groupBytes(halves[0]), bytes.count == 16 else { return nil }
            return bytes
        }
        guard !halves[0].contains("."), let front = groupBytes(halves[0]), let back = groupBytes(halves[1]),
            front.count + back.count <= 14
        else { return nil }
        return front + Array(repeating: 0, count: 16 - front.count - back.count) + back
    }

    /// The bytes of groups separated by colons; the last may be an IPv4 address in dotted decimal.
    private static func groupBytes(_ text: Substring) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard let tail = ipv4Bytes(part) else { return nil }
                bytes += tail
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                // checked: halves of sixteen bits.
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return bytes
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
