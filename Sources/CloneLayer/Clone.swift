// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What a backend made for one clone: something a VM opens.
package struct CloneArtefact: Hashable, Sendable {
    package let clone: CloneName
    /// The file or device (`/dev/…`) that a VM opens; absolute.
    package var path: String
    /// What the backend needs to find its work again, such as a thin device's number; opaque to everything else.
    package var details: [String: String]

    package init(clone: CloneName, path: String, details: [String: String] = [:]) {
        self.clone = clone
        self.path = path
        self.details = details
    }
}

/// A clone as the registry records it.
package struct Clone: Hashable, Sendable {
    /// Where a clone is in its life. Only `ready` clones are shown; the others are finished off by recovery, a `temporary`
    /// one when the process that made it is gone.
    package enum State: String, Sendable {
        /// Announced before anything is made, so that a crash cannot leave something that no record names.
        case creating
        case ready
        /// Whole, and meant to last no longer than the process that made it, such as one that is probed.
        case temporary
        /// Announced before anything is taken away, so that a crash cannot leave half a clone in the list.
        case removing
    }

    package var artefact: CloneArtefact
    package internal(set) var master: MasterName
    /// The master whose clone it is about to be instead; set while its disk may be of either.
    package internal(set) var next: MasterName?
    package let backend: CloneBackendKind
    /// When it was made, in seconds since 1970.
    package let created: Int64
    package var state: State
    /// The image from which the guest gets its identity, or `nil` when it has none; absolute.
    package let seedImage: String?

    package init(
        artefact: CloneArtefact, master: MasterName, backend: CloneBackendKind, created: Int64, state: State,
        seedImage: String? = nil, next: MasterName? = nil
    ) {
        self.artefact = artefact
        self.master = master
        self.backend = backend
        self.created = created
        self.state = state
        self.seedImage = seedImage
        self.next = next
    }

    package var name: CloneName { artefact.clone }
    package var path: String { artefact.path }
}

/// What a batch of clones came to.
package struct CreatedClones: Sendable {
    /// In the order of their names' numbers.
    package let clones: [Clone]
    package let backend: CloneBackendKind
    /// Why this backend was taken, as one sentence for people.
    package let explanation: String
    /// From the first check until everything was durable, for the whole batch.
    package let duration: Duration

    /// The batch's duration divided by its clones.
    package var durationPerClone: Duration { clones.isEmpty ? .zero : duration / clones.count }
}
