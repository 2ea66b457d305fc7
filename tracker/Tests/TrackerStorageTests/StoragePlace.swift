// SPDX-License-Identifier: Apache-2.0

import SqliteStorage
import TrackerStorage

/// The engines that must pass the conformance suite. A further one joins with a case and its place.
enum Engine: String, CaseIterable, Sendable {
    case sqlite

    /// A fresh place for one test.
    func place(small: Bool = false) throws -> any StoragePlace {
        switch self {
        case .sqlite: try SqlitePlace(small: small)
        }
    }
}

/// Where an engine keeps the data of one test.
protocol StoragePlace: Sendable {
    /// Opens what is there, or begins. It may be open more than once.
    func open(_ limits: StorageLimits) throws -> any StorageEngine
    /// Takes all room that is left; only for places that were asked to be small.
    func fill() throws
    /// Gives it back.
    func makeRoom() throws
}

extension StoragePlace {
    func open() throws -> any StorageEngine { try open(StorageLimits()) }
}
