// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import ImageStore
import PeerService

/// Names that there are on this host now, for the shell to complete. Whatever stands in the way, it gets none.
enum LiveNames {
    static let masters = CompletionKind.custom { words, _, _ in await names(for: words).masters }
    static let lines = CompletionKind.custom { words, _, _ in
        Set(await names(for: words).masters.map { String($0.prefix { $0 != "@" }) }).sorted()
    }
    static let clones = CompletionKind.custom { words, _, _ in await names(for: words).clones }

    /// - Parameter words: the command line so far, which may name a store.
    private static func names(for words: [String]) async -> (masters: [String], clones: [String]) {
        let place = words.lastIndex(of: "--store").map { words.index(after: $0) }
        let named = place.flatMap { words.indices.contains($0) ? ["--store", words[$0]] : nil }
        guard let store = try? StoreOptions.parse(named ?? []) else { return ([], []) }
        if let peer = try? await store.runningPeer(),
            case .status(let report)? = try? await peer.perform(.status, progress: { _ in })
        {
            return (
                report.masters.map { "\($0.name)@\($0.version)" }, report.masters.flatMap(\.clones).sorted()
            )
        }
        // The store's lock is not taken for this, so that clones, which stand in a journal, are left out.
        let files = (try? FileManager.default.contentsOfDirectory(atPath: store.layout.masters)) ?? []
        return (files.filter { $0.hasSuffix(".raw") }.map { String($0.dropLast(4)) }.sorted(), [])
    }
}
