// SPDX-License-Identifier: Apache-2.0

/// The text inside a VMDK that says which files the disk consists of. Here that must be one: the file that holds it.
struct VmdkDescriptor: Equatable {
    /// Bytes of the text that qemu reads. Those of real disks are far shorter.
    static let byteLimit = 20 * 512

    private struct Extent: Equatable {
        let sectors: UInt64
        let type: String
        let name: String
    }

    private var settings: [String: String] = [:]
    private var extents: [Extent] = []

    /// - Parameters:
    ///   - bytes: from the descriptor's beginning, ``byteLimit`` of them.
    ///   - room: the bytes that the header sets aside for it.
    /// - Throws: ``ImageRefusal`` for what is not a descriptor's text, and for every setting that is not known.
    init(decoding bytes: [UInt8], room: Int) throws(ImageRefusal) {
        // A text that goes on behind its room would end elsewhere for the next reader.
        let text = bytes.prefix { $0 != 0 }
        guard text.count < min(room, bytes.count) else {
            throw .invalid(.vmdk, field: "the length of the descriptor", value: UInt64(clamping: text.count))
        }
        // Readers look for this word anywhere, in comments too, and byte by byte: in a text a mark that combines with its
        // last letter would hide it.
        guard !Self.holds(Self.parentHint, text) else { throw .parent(.vmdk) }
        guard let text = String(validating: text, as: UTF8.self) else {
            throw .invalid(.vmdk, field: "a character of the descriptor", value: 0)
        }

        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            if let extent = try Self.extent(line) {
                extents.append(extent)
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = parts.first?.trimmed.lowercased(), let value = parts.dropFirst().first?.trimmed else {
                throw .unknown(.vmdk, feature: "the line '\(line.shown)'")
            }
            // VirtualBox writes down that there is no parent.
            if Self.parentIdentifiers.contains(key), Self.isZero(value.unquoted) { continue }
            guard
                Self.knownKeys.contains(key) || key.hasPrefix("ddb.") && !Self.holds(Self.parent, key.utf8)
            else {
                // Among them are changeTrackPath and whatever else may name a file.
                throw .otherFile(.vmdk, named: line.shown)
            }
            guard settings.updateValue(value.unquoted, forKey: key) == nil else {
                throw .unknown(.vmdk, feature: "a second line '\(line.shown)'")
            }
        }
    }

    /// Makes sure that the disk is the one in the header's file, all of it, and has no parent.
    func check(_ header: VmdkHeader) throws(ImageRefusal) {
        guard settings["parentcid"]?.lowercased() == "ffffffff" else { throw .parent(.vmdk) }
        guard settings["encryption"] == nil, settings["ddb.encryption"] == nil else { throw .encrypted(.vmdk) }
        let type = settings["createtype"] ?? ""
        guard ["monolithicsparse", "streamoptimized"].contains(type.lowercased()) else {
            throw .otherFile(.vmdk, named: "createType \(type.shown)")
        }
        for extent in extents {
            guard extent.type == "SPARSE", extent.name.isPlainFileName else {
                throw .otherFile(.vmdk, named: extent.name.shown)
            }
        }
        guard let extent = extents.first, extents.count == 1 else {
            throw .otherFile(.vmdk, named: "\(extents.count) extents instead of one")
        }
        guard extent.sectors == header.capacity else {
            throw .invalid(.vmdk, field: "the size of the extent in the descriptor", value: extent.sectors)
        }
    }

    /// A line such as `RW 16384 SPARSE "disk.vmdk"`, or `nil` when it is none.
    private static func extent(_ line: String) throws(ImageRefusal) -> Extent? {
        let words = line.split(maxSplits: 3, whereSeparator: \.isWhitespace)
        guard let access = words.first, ["RW", "RDONLY", "NOACCESS"].contains(access.uppercased()) else { return nil }
        // checked: this reads a text, and there may be no number in it
        guard let sectors = words.dropFirst().first.flatMap({ UInt64($0) }),
            let type = words.dropFirst(2).first,
            let name = words.dropFirst(3).first?.trimmed
        else { throw .unknown(.vmdk, feature: "the line '\(line.shown)'") }
        return Extent(sectors: sectors, type: type.uppercased(), name: name.unquoted)
    }

    private static let parentHint = Array("parentfilenamehint".utf8)
    private static let parent = Array("parent".utf8)
    private static let parentIdentifiers: Set<String> = ["ddb.uuid.parent", "ddb.uuid.parentmodification"]

    /// Whether a word is in the bytes, in letters of either case.
    private static func holds(_ word: [UInt8], _ bytes: some Sequence<UInt8>) -> Bool {
        let lower = bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        guard lower.count >= word.count else { return false }
        // checked: there are as many bytes as the word has, or more
        return (0...lower.count - word.count).contains { lower[$0..<$0 + word.count].elementsEqual(word) }
    }

    /// Whether it is the UUID of nothing.
    private static func isZero(_ identifier: String) -> Bool {
        !identifier.isEmpty && identifier.utf8.allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "-") }
    }

    /// What a descriptor says of a disk besides its data base.
    private static let knownKeys: Set<String> = [
        "version", "encoding", "cid", "parentcid", "createtype", "isnativesnapshot", "encryption",
    ]
}

extension StringProtocol {
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(String(start.reversed().drop { $0.isWhitespace }).reversed())
    }

    fileprivate var unquoted: String {
        guard hasPrefix("\""), hasSuffix("\""), count > 1 else { return String(self) }
        return String(dropFirst().dropLast())
    }

    /// A name without a folder, a drive or a protocol, such as qemu's `json:` and `nbd:`.
    fileprivate var isPlainFileName: Bool {
        !isEmpty && !contains { "/\\:\"".contains($0) } && self != "." && self != ".."
            && unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    /// Up to sixty characters of it, fit for a sentence.
    fileprivate var shown: String {
        String(prefix(60).map { $0.isASCII && !$0.isNewline && $0 >= " " ? $0 : "?" })
    }
}
