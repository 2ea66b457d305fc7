// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What this host's link carries.
enum LinkRate {
    private static let interfaces = "/sys/class/net"

    /// In bytes a second; `nil` where neither anybody nor the kernel says, as in many virtual machines.
    /// - Parameter cap: what this host may take in bits a second, which counts where it is less.
    static func bytesPerSecond(cap: Int64?) -> Double? {
        [cap, fastest].compactMap { $0 }.min().map { Double($0) / 8 }
    }

    /// The fastest interface that has a link, in bits a second.
    private static var fastest: Int64? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: interfaces)) ?? []
        return names.compactMap { name in
            // A kernel that does not know it says -1, or nothing.
            guard let text = FileManager.default.contents(atPath: "\(interfaces)/\(name)/speed"),
                let megabits = Int64(String(decoding: text, as: UTF8.self).prefix { $0 != "\n" }),
                (1...10_000_000).contains(megabits)
            else { return nil }
            return megabits * 1_000_000
        }.max()
    }
}
