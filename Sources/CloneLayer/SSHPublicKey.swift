// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A public key in OpenSSH's format, one line: its type, its bytes in base64, and perhaps a comment.
package struct SSHPublicKey: Hashable, Sendable {
    package static let types = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]
    /// Bytes; an RSA key of 16,384 bits takes less than 3,000.
    private static let longest = 8192

    /// The line without its end.
    package let text: String

    /// - Throws: ``CloneError`` of kind `.usage` that says what is wrong with it.
    package init(_ line: Substring) throws(CloneError) {
        let parts = line.split(maxSplits: 2, whereSeparator: { $0 == " " || $0 == "\t" })
        guard let type = parts.first.map({ String($0) }), Self.types.contains(type) else {
            throw CloneError(
                .usage,
                "'\(String.shown(line))' does not begin like a public SSH key; give the text or the path of a .pub file, of "
                    + "the type \(Self.types.prefix(3).joined(separator: ", ")) or alike, without options")
        }
        guard line.utf8.count <= Self.longest, let body = parts.dropFirst().first.map({ String($0) }),
            let bytes = Data(base64Encoded: body).map({ [UInt8]($0) }), Self.names(type, bytes)
        else {
            throw CloneError(
                .usage,
                "the \(type) key that ends in '\(String.shown(parts.dropFirst().first?.suffix(12) ?? ""))' is not whole; copy the .pub file's line anew"
            )
        }
        let comment = (parts.dropFirst(2).first ?? "").trimmed
        guard comment.unicodeScalars.allSatisfy(\.isPrintable) else {
            throw CloneError(.usage, "the \(type) key's comment has control characters in it; take them out")
        }
        text = comment.isEmpty ? "\(type) \(body)" : "\(type) \(body) \(comment)"
    }

    /// The keys of a text such as a .pub file: one a line; empty lines and those that begin with `#` are none.
    /// - Throws: ``CloneError`` of kind `.usage` when one of them is no key, or there is none.
    package static func keys(in text: String) throws(CloneError) -> [SSHPublicKey] {
        guard !text.contains("PRIVATE KEY-----") else {
            throw CloneError(.usage, "this is a private SSH key, which belongs on no other machine; give its .pub file")
        }
        var keys: [SSHPublicKey] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.trimmed
            if words.isEmpty || words.first == "#" { continue }
            keys.append(try SSHPublicKey(words))
        }
        guard !keys.isEmpty else {
            throw CloneError(.usage, "there is no public SSH key in it; give the text or the path of a .pub file")
        }
        return keys
    }

    /// A key's bytes begin with its type, after the length of that (RFC 4253, section 6.6).
    private static func names(_ type: String, _ bytes: [UInt8]) -> Bool {
        guard let length = bytes.bigEndian(UInt32.self, at: 0), Int(length) == type.utf8.count else { return false }
        return bytes.dropFirst(4).starts(with: type.utf8) && bytes.count > 4 + type.utf8.count + 4
    }
}

extension Substring {
    /// Without blanks and tabs at its ends.
    fileprivate var trimmed: Substring {
        var rest = drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest = rest.dropLast() }
        return rest
    }
}
