// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The end of the text, whole characters of at most so many bytes.
    package func suffixBytes(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var start = utf8.index(utf8.endIndex, offsetBy: -limit)
        while start < utf8.endIndex, utf8[start] & 0xc0 == 0x80 { start = utf8.index(after: start) }
        return String(self[start...])
    }
}
