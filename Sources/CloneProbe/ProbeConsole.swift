// SPDX-License-Identifier: Apache-2.0

/// What a guest says on its serial console: the last of it, and whether a marker was among it.
package struct ProbeConsole: Sendable {
    /// Bytes that are kept.
    package static let keptBytes = 64 << 10

    private let marker: [UInt8]
    /// At most twice ``keptBytes``.
    private var bytes: [UInt8] = []
    /// How many bytes of the marker the last ones said may be the beginning of, as a tail of them.
    private var tail: [UInt8] = []
    package private(set) var hasMarker = false

    /// - Parameter marker: the text looked for; nothing is when it is `nil` or empty.
    package init(marker: String? = nil) { self.marker = Array((marker ?? "").utf8) }

    /// Whether nothing was said yet.
    package var isEmpty: Bool { bytes.isEmpty }

    /// Takes in what was said, in pieces cut anywhere.
    package mutating func hear(_ part: ArraySlice<UInt8>) {
        if !marker.isEmpty, !hasMarker {
            let window = tail + part
            hasMarker = Self.holds(window, marker)
            tail = Array(window.suffix(marker.count - 1))
        }
        bytes += part.suffix(Self.keptBytes)
        if bytes.count > 2 * Self.keptBytes { bytes.removeFirst(bytes.count - Self.keptBytes) }
    }

    /// The last of it as text for people and terminals: lines, without escape sequences and control characters, since a
    /// guest may have written anything.
    package var text: String { Self.plain(String(decoding: bytes.suffix(Self.keptBytes), as: UTF8.self)) }

    private static func holds(_ bytes: [UInt8], _ marker: [UInt8]) -> Bool {
        guard let first = marker.first, bytes.count >= marker.count else { return false }
        var rest = bytes[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: marker) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// Text without what a terminal would act on.
    static func plain(_ text: String) -> String {
        enum Place { case text, escape, sequence }
        var place = Place.text
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch (place, scalar) {
            case (_, "\u{1b}"): place = .escape
            case (.escape, "["): place = .sequence
            case (.escape, _): place = .text
            case (.sequence, "@"..."~"): place = .text
            case (.sequence, _): if scalar == "\n" { place = .text }
            case (.text, "\n"), (.text, "\t"): result.append(scalar)
            case (.text, _):
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: break
                default: result.append(scalar)
                }
            }
        }
        return String(result)
    }
}
