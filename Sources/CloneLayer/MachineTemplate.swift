// SPDX-License-Identifier: Apache-2.0

/// Plain text with placeholders such as `{{path}}`, for what tells one machine from another.
package struct MachineTemplate: Sendable {
    /// What may stand between `{{` and `}}`.
    package enum Placeholder: String, CaseIterable, Sendable {
        case name, path, format, master, memory, cpus, mac, uuid, seed
    }

    private enum Part: Sendable {
        case text(Substring)
        case value(Placeholder)
    }

    private let parts: [Part]

    /// - Throws: ``CloneError`` of kind `.usage` that names the line of a placeholder that is unknown or not closed.
    package init(_ text: String) throws(CloneError) {
        var parts: [Part] = []
        var rest = text[...]
        while let opening = rest.firstRange(of: "{{") {
            parts.append(.text(rest[..<opening.lowerBound]))
            let line = text[..<opening.lowerBound].utf8.count { $0 == 0x0a } + 1
            let inside = rest[opening.upperBound...]
            guard let closing = inside.firstRange(of: "}}"), !inside[..<closing.lowerBound].utf8.contains(0x0a) else {
                throw CloneError(.usage, "the template's line \(line) has '{{' without '}}'; close the placeholder")
            }
            let word = inside[..<closing.lowerBound]
            guard let placeholder = Placeholder(rawValue: String(word)) else {
                let words = Placeholder.allCases.map { "{{\($0.rawValue)}}" }.joined(separator: ", ")
                throw CloneError(
                    .usage,
                    "the template's line \(line) has '{{\(String.shown(word))}}', which is no placeholder; there are \(words)"
                )
            }
            parts.append(.value(placeholder))
            rest = inside[closing.upperBound...]
        }
        parts.append(.text(rest))
        self.parts = parts
    }

    /// The text with the values in the placeholders' places.
    /// - Parameter value: a placeholder's value in the language of the text.
    package func filled(
        _ value: (Placeholder) throws(CloneError) -> String
    ) throws(CloneError) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .value(let placeholder): result += try value(placeholder)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether this is neither a control character nor a separator of lines.
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .format: false
        default: true
        }
    }
}
