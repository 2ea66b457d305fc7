// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Metainfo
import Synchronization

/// What puts clones on another version of their master. They keep their names, and with them the addresses and UUIDs of their
/// machines; their guests keep host name, keys and user data, and are new instances as after a reset.
extension CloneRegistry {
    /// Clones whose refresh was interrupted, by name: their disks may be of either master.
    package var interrupted: [Clone] { list().filter { $0.next != nil } }

    /// Refuses a clone that a machine has open.
    /// - Throws: `.notFound`; `.conflict`.
    package func checkStopped(_ name: CloneName) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            let clone = try state.ready(name)
            try backend(clone.backend).checkStopped([clone.artefact])
        }
    }

    /// Puts a fresh clone of another version in a stopped clone's place; what was written to it is lost. A crash leaves the old
    /// clone, the new one, or one that is known to be either and is ``interrupted``: doing it again finishes it.
    /// - Parameter old: its master as the store has it, or `nil` when it is gone.
    /// - Throws: `.notFound`; `.conflict` for another line of masters or a clone in use; `.altered`; `.noSpace`; `.other`. The
    ///   clone is then as it was, unless it is ``interrupted``.
    package func refresh(_ name: CloneName, from old: MasterImage?, to new: MasterImage) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            settle(&state)
            let clone = try state.ready(name)
            guard clone.master.name == new.name.name else {
                throw CloneError(
                    .conflict, "the clone \(name) is of \(clone.master), of which \(new.name) is no other version")
            }
            guard clone.next ?? clone.master != new.name || clone.next != nil else { return }
            let backend = try backend(clone.backend)
            try site.checkUnchanged(new)
            try backend.checkStopped([clone.artefact])
            try seeds.prepareReset(of: clone, instance: newInstance())
            let before = disk(of: clone)
            var moving = clone
            moving.next = new.name
            var fresh = clone
            fresh.master = new.name
            fresh.next = nil
            do throws(CloneError) {
                try state.record(put: [moving])
                do throws(CloneError) {
                    let moved = backend.moved(clone.artefact, from: old, to: new)
                    fresh.artefact = try backend.reset(moved, to: new)
                } catch {
                    // It is the old clone only while its file is known to be untouched: a failure may come after the new disk
                    // has taken its place. What does not come onto the record is finished by doing it again.
                    if clone.next == nil, let before, disk(of: clone) == before { try? state.record(put: [clone]) }
                    throw error
                }
                try state.record(put: [fresh])
            } catch {
                seeds.cancelReset(of: clone)
                throw error
            }
            try seeds.commitReset(of: fresh)
            try backend.finishReset(of: fresh.artefact, to: new)
        }
    }
}

extension CloneRegistry {
    /// What tells the clone's file from any other that takes its place; `nil` for block devices, of which that cannot be told.
    private func disk(of clone: Clone) -> FileStatus? {
        guard !clone.backend.isBlockDevice else { return nil }
        return (try? site.files.status(clone.path)) ?? nil
    }
}

extension Clone {
    /// Whether it would break without a master.
    func needs(_ name: MasterName) -> Bool { master == name || next == name }
}
