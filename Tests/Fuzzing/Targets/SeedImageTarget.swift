// SPDX-License-Identifier: Apache-2.0

import CloneLayer

extension FuzzTarget {
    /// A host name, keys and user data, with a NUL after each, and then what is changed in the image made of them: places
    /// and bytes. An image is read as it was written, one line of meta-data stands for each fact, and of a changed image
    /// only one that could have been written is read.
    static let seedImage = FuzzTarget("seed-image") { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false).map { Array($0) }
        func part(_ index: Int) -> [UInt8] { parts.indices.contains(index) ? parts[index] : [] }
        func text(_ index: Int) -> String { String(decoding: part(index), as: UTF8.self) }
        let keys = text(1)
        guard let name = try? HostName(text(0)),
            let identity = try? GuestIdentity(
                hostName: name.text, keys: keys.isEmpty ? [] : [keys], userData: part(2).isEmpty ? nil : part(2))
        else { return }
        let image = SeedImage(
            instance: "one", hostName: name, keys: identity.keys, userData: identity.userData)
        try expectEqual(SeedImage(image.bytes), image, "an image when read again")
        let lines = image.metaData.split(separator: 0x0a, omittingEmptySubsequences: false)
        let count = 2 + (identity.keys.isEmpty ? 0 : 1 + identity.keys.count)
        try expectEqual(lines.count, count + 1, "lines of meta-data")
        try expect(image.metaData.allSatisfy { $0 == 0x0a || (0x20...0x7e).contains($0) }, "a byte that is not plain")
        let renewed = image.renewed(instance: "two")
        try expect(renewed != image, "a new instance is the old one")
        try expectEqual(renewed.renewed(instance: "one"), image, "the old instance again")

        var changed = image.bytes
        var script = Script(part(3))
        while !script.isEmpty {
            let place = Int(script.integer(UInt16.self))
            changed[place % changed.count] = script.byte()
        }
        guard let read = SeedImage(changed) else { return }
        try expectEqual(read.bytes, changed, "a changed image when written again")
    }
}
