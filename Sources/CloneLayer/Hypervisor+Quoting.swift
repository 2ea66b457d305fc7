// SPDX-License-Identifier: Apache-2.0

/// How a value is written in each hypervisor's language, so that it means itself and nothing else.
extension Hypervisor {
    /// What a POSIX shell reads as itself without quotes.
    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-")

    /// A value as it stands in a template of this hypervisor.
    ///
    /// XML has entities for what would be markup, in text and in attributes. An xl.cfg has no escapes that all its
    /// readers agree on, so what would end the string is refused. The others are shell commands: a value is one word,
    /// single-quoted where a shell would see more in it; a comma in qemu's options is written twice, and VirtualBox
    /// writes hardware addresses without colons.
    /// - Throws: ``CloneError`` of kind `.conflict` when the language cannot express the value.
    package func quoted(
        _ value: String, as placeholder: MachineTemplate.Placeholder
    ) throws(CloneError) -> String {
        guard value.unicodeScalars.allSatisfy(\.isWritable) else {
            throw refusal(of: placeholder, because: "has a control character in it")
        }
        switch self {
        case .kvm: return Self.xml(value)
        case .xen:
            guard !value.unicodeScalars.contains(where: { ["\"", "'", "\\"].contains($0) }) else {
                throw refusal(of: placeholder, because: "has a quote or a backslash in it")
            }
            return value
        case .qemu: return Self.shellWord(Self.replacing(",", by: ",,", in: value))
        case .virtualbox: return Self.shellWord(placeholder == .mac ? Self.replacing(":", by: "", in: value) : value)
        }
    }

    private func refusal(of placeholder: MachineTemplate.Placeholder, because reason: String) -> CloneError {
        CloneError(
            .conflict,
            "the value of {{\(placeholder.rawValue)}} \(reason), which cannot be written safely for \(rawValue); move the "
                + "store to a plainer path")
    }

    private static func xml(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func shellWord(_ value: String) -> String {
        if !value.isEmpty, value.allSatisfy(plain.contains) { return value }
        return "'" + replacing("'", by: #"'\''"#, in: value) + "'"
    }

    /// Scalar by scalar: a mark that combines with what is replaced must not hide it.
    private static func replacing(_ old: Unicode.Scalar, by new: String, in value: String) -> String {
        value.unicodeScalars.reduce(into: "") { $0 += $1 == old ? new : String($1) }
    }
}

extension Unicode.Scalar {
    /// Whether every language here can hold this: no control character, no end of a line, nothing that XML excludes.
    fileprivate var isWritable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: value & 0xfffe != 0xfffe
        }
    }
}
