// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials
import ImageStore

/// The caps on rates, which outlive the peer in a file of the store.
extension Host {
    private static let longestFile = 4096

    /// The caps kept in the store; none where they were never set.
    /// - Throws: ``HostFailure`` when the file cannot be read or is damaged.
    func rateLimits() throws -> RateLimits {
        guard try files.status(store.layout.limits) != nil else { return RateLimits() }
        let bytes = try files.contents(of: store.layout.limits, limit: Self.longestFile)
        guard let limits = try? JSONDecoder().decode(RateLimits.self, from: Data(bytes)) else {
            throw HostFailure(
                .failed, "\(store.layout.limits) is damaged; remove it and set the limits again with `drover limit`")
        }
        return limits
    }

    /// Changes the caps that are named.
    /// - Returns: the caps there are then.
    /// - Throws: ``HostFailure`` with `.usage` for what is no rate.
    func limit(up: String?, down: String?) throws -> RateLimits {
        func rate(_ text: String, _ option: String) throws -> Int64? {
            guard let rate = RateText(text) else {
                throw HostFailure(
                    .usage,
                    "\(option) \(text) is not a rate; write bits a second from \(RateText.words(RateText.least)) up, such as "
                        + "200M or 1.5G, or off")
            }
            return rate.bitsPerSecond
        }
        guard up != nil || down != nil else { return try rateLimits() }
        // Whoever names both need not be able to read what there was.
        var limits = up != nil && down != nil ? RateLimits() : try rateLimits()
        if let up { limits.up = try rate(up, "--up") }
        if let down { limits.down = try rate(down, "--down") }
        try files.replace(store.layout.limits, with: Array(try JSONEncoder().encode(limits)))
        return limits
    }
}
