// SPDX-License-Identifier: Apache-2.0

/// How long a host waits before it tries again.
enum Backoff {
    /// A random part of `base` doubled with each attempt, at least a tenth of it. It follows from the arguments alone.
    static func wait(_ base: Span, attempt: Int, host: HostName, seed: UInt64) -> Span {
        let longest = base * (1 << min(max(0, attempt - 1), RolloutLimits.retries))
        let limit = min(longest, RolloutLimits.longestSpan).milliseconds
        // FNV-1a, and then SplitMix64's mixing: Swift's own hashes differ from run to run.
        var hash = 0xcbf2_9ce4_8422_2325 ^ seed
        for byte in host.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ UInt64(truncatingIfNeeded: attempt)) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        let part = Double((hash ^ (hash >> 31)) >> 11) / Double(UInt64(1) << 53)
        return Span(milliseconds: limit / 10 + Int64(part * Double(limit - limit / 10)))
    }
}
