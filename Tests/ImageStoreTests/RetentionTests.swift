// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Metainfo
import TestSupport
import Testing

struct RetentionTests {
    private static func entry(
        _ version: Int, bytes: Int64 = 10, clones: Int = 0, kept: Bool = false, pinned: Bool = false,
        retired: Bool = false, newest: Bool = false
    ) throws -> Retention.Entry {
        Retention.Entry(
            name: try #require(MasterName(name: "office", version: version)), bytes: bytes,
            registeredAt: Int64(version),
            clones: clones, isKept: kept, isPinned: pinned, isRetired: retired, isNewest: newest)
    }

    private static func versions(_ retention: Retention) -> [Int] { retention.removals.map(\.entry.name.version) }

    @Test func `what was retired goes when nothing depends on it`() throws {
        let retention = Retention(
            of: [
                try Self.entry(1, retired: true), try Self.entry(2, clones: 1, retired: true),
                try Self.entry(3, pinned: true, retired: true), try Self.entry(4, kept: true, retired: true),
                try Self.entry(5),
            ], quota: nil)
        #expect(Self.versions(retention) == [1])
        #expect(retention.waiting.map(\.hindrance) == [.clones, .pinned, .kept])
    }

    @Test func `over the quota the oldest that may go goes first, and no more than must`() throws {
        let entries = [
            try Self.entry(1, clones: 2), try Self.entry(2), try Self.entry(3, pinned: true), try Self.entry(4),
            try Self.entry(5), try Self.entry(6, kept: true), try Self.entry(7, newest: true),
        ]
        #expect(Self.versions(Retention(of: entries, quota: 60)) == [2])
        #expect(Self.versions(Retention(of: entries, quota: 50)) == [2, 4])
        let tight = Retention(of: entries, quota: 10)
        #expect(Self.versions(tight) == [2, 4, 5])
        #expect(tight.excess == 30)
    }

    @Test func `the newest version of a line goes only when it was retired`() throws {
        #expect(Retention(of: [try Self.entry(1, newest: true)], quota: 0).removals.isEmpty)
        #expect(Self.versions(Retention(of: [try Self.entry(1, retired: true, newest: true)], quota: 0)) == [1])
    }

    @Test(arguments: 0..<200) func `no plan strands a clone, takes what is pinned or kept, or stops short of the quota`(
        _ seed: UInt64
    ) throws {
        var random = SplitMix(state: seed)
        let entries = try (1...12).map { version in
            try Self.entry(
                version, bytes: .random(in: 0...50, using: &random), clones: .random(in: 0...2, using: &random) / 2,
                kept: .random(using: &random), pinned: .random(using: &random), retired: .random(using: &random),
                newest: version == 12)
        }
        let quota = Int64.random(in: 0...300, using: &random)
        let retention = Retention(of: entries, quota: quota)
        for removal in retention.removals {
            #expect(removal.entry.clones == 0 && !removal.entry.isPinned && !removal.entry.isKept)
            #expect(removal.cause == .quota || removal.entry.isRetired)
        }
        let left = entries.map(\.bytes).reduce(0, +) - retention.removals.map(\.entry.bytes).reduce(0, +)
        #expect(retention.excess == max(0, left - quota))
        if retention.excess > 0 {
            let names = Set(retention.removals.map(\.entry.name))
            for entry in entries where !names.contains(entry.name) {
                #expect(entry.clones > 0 || entry.isPinned || entry.isKept || entry.isNewest)
            }
        }
    }
}
