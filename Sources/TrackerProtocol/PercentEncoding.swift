// SPDX-License-Identifier: Apache-2.0

/// Escapes of RFC 3986 §2.1.
package enum PercentEncoding {
    /// `bytes` with everything but letters, digits, `-`, `.`, `_` and `~` escaped, in upper-case hexadecimal.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                text.append(byte)
            default:
                text.append(UInt8(ascii: "%"))
                // checked: four bits, and there are sixteen digits.
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
