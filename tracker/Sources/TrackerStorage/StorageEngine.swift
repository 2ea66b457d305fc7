// SPDX-License-Identifier: Apache-2.0

/// Everything that a tracker keeps across restarts, as the rooms of the tracker know it. Behind it is a database, which
/// nothing outside an engine knows to speak to; every engine passes the same conformance suite.
///
/// What has been answered is durable. Each call is one transaction: it happens as a whole or, when it throws, not at all.
/// Times are seconds since 1970. Lists come in pages, see ``Page``.
package protocol StorageEngine: CatalogueStorage, OperatorStorage, HostStorage, RolloutStorage, AuditStorage,
    IdempotencyStorage, EpochStorage
{}
