// SPDX-License-Identifier: Apache-2.0

/// A piece of a page. What stands in the source as a literal is markup; what is put into it is text, unless it is markup
/// itself, and so nothing that anybody said can become markup.
package struct HTML: ExpressibleByStringInterpolation, Sendable {
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        package init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(2 * literalCapacity) }

        package mutating func appendLiteral(_ literal: String) { markup += literal }
        package mutating func appendInterpolation(_ text: some StringProtocol) { HTML.escape(text, into: &markup) }
        package mutating func appendInterpolation(_ number: some BinaryInteger) { markup += String(number) }
        package mutating func appendInterpolation(_ part: HTML) { markup += part.markup }
        package mutating func appendInterpolation(_ part: HTML?) { markup += part?.markup ?? "" }
        package mutating func appendInterpolation(_ parts: some Sequence<HTML>) {
            for part in parts { markup += part.markup }
        }
        /// A coordinate of a drawing, to a hundredth.
        package mutating func appendInterpolation(_ number: Double) {
            let hundredths = Int((min(1e9, max(-1e9, number.isFinite ? number : 0)) * 100).rounded())
            let (sign, size) = (hundredths < 0 ? "-" : "", abs(hundredths))
            markup += "\(sign)\(size / 100).\(size % 100 < 10 ? "0" : "")\(size % 100)"
        }
    }

    package let markup: String

    package init(stringLiteral value: String) { markup = value }
    package init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }

    package static let nothing: HTML = ""

    /// For text and for values of attributes, which all stand in double quotes.
    private static func escape(_ text: some StringProtocol, into markup: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": markup += "&amp;"
            case "<": markup += "&lt;"
            case ">": markup += "&gt;"
            case "\"": markup += "&quot;"
            case "'": markup += "&#39;"
            // What steers a reader's display, such as the direction of text, is no business of a host's.
            case _ where scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t",
                _ where scalar.properties.isBidiControl:
                markup += "\u{fffd}"
            default: markup.unicodeScalars.append(scalar)
            }
        }
    }
}

extension String {
    /// As one part of a path or value of a query.
    var inPath: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: text.unicodeScalars.append(.init(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return text
    }
}
