// SPDX-License-Identifier: Apache-2.0

/// A request that an operator named: keys are those of one operator.
struct KnownRequest: Hashable, Sendable {
    let actor: Actor
    let key: String
}
