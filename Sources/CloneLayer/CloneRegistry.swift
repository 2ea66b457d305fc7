// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc
package import Metainfo
import Synchronization

/// The clones of a store: makes them, remembers them, and cleans up after a crash.
///
/// Calls block on the disk and follow one another; none may be made from an event loop. One process at a time may have
/// a registry on a folder: the store's lock sees to that.
package final class CloneRegistry: Sendable {
    fileprivate struct State: Sendable {
        var journal: CloneJournal
        var clones: [CloneName: Clone]
    }

    /// What recovery found.
    package struct Recovery: Sendable {
        /// Clones that a crash had left half made or half removed, and that are gone now.
        package fileprivate(set) var removed: [CloneName] = []
        /// Files and devices under temporary names that are gone now.
        package fileprivate(set) var swept: [String] = []
        /// What could not be cleaned; it is tried again with the next change and the next start.
        package fileprivate(set) var problems: [CloneError] = []
    }

    /// In the order in which `auto` tries them.
    package let backends: [any CloneBackend]
    private let state: Mutex<State>
    private let seeds: SeedFiles
    private let newInstance: @Sendable () -> String
    private let wallClock: @Sendable () -> Int64
    private let stopwatch: @Sendable () -> @Sendable () -> Duration

    /// Opens the registry and recovers what a crash left.
    /// - Parameters:
    ///   - site: the folder of clones; it is made with the first clone.
    ///   - backends: in order of preference; `nil` for qcow2, reflink, copy, and vhd by name.
    ///   - clock: measures how long creation takes.
    ///   - wallClock: seconds since 1970; the machine's clock when it is `nil`.
    ///   - newInstance: an id that no guest ever had, for its seed image.
    /// - Throws: ``CloneError`` when the records cannot be read or are damaged.
    package init(
        site: CloneSite, backends: [any CloneBackend]? = nil, clock: some Clock<Duration> = ContinuousClock(),
        wallClock: (@Sendable () -> Int64)? = nil,
        newInstance: @escaping @Sendable () -> String = { VhdIdentifier.random().description }
    ) throws(CloneError) {
        let (journal, clones) = try CloneJournal.load(site)
        self.backends = backends ?? Self.standardBackends(at: site)
        self.wallClock = wallClock ?? { Int64(time(nil)) }
        self.newInstance = newInstance
        seeds = SeedFiles(site: site)
        stopwatch = {
            let start = clock.now
            return { start.duration(to: clock.now) }
        }
        state = Mutex(State(journal: journal, clones: clones))
        recover()
    }

    /// qcow2, reflink and copy, in the order of preference, and vhd, which has to be named.
    package static func standardBackends(at site: CloneSite) -> [any CloneBackend] {
        [Qcow2Backend(site: site), ReflinkBackend(site: site), CopyBackend(site: site), VhdBackend(site: site)]
    }

    // MARK: Asking

    /// Every clone that can be used, by name.
    package func list() -> [Clone] {
        state.withLock { state in state.clones.values.filter { $0.state == .ready }.sorted { $0.name < $1.name } }
    }

    /// - Throws: `.notFound`.
    package func show(_ name: CloneName) throws(CloneError) -> Clone {
        try state.withLock { state throws(CloneError) in try state.ready(name) }
    }

    /// The clones of a master, by name: what would break if it were removed.
    package func clones(of master: MasterName) -> [Clone] {
        state.withLock { state in state.clones.values.filter { $0.master == master }.sorted { $0.name < $1.name } }
    }

    /// - Throws: `.conflict` that names clones when the master has any. Between this and the removal the caller must
    ///   make no clone.
    package func checkRemovable(_ master: MasterName) throws(CloneError) {
        let users = clones(of: master)
        guard !users.isEmpty else { return }
        let shown = users.prefix(3).map(\.name.text).joined(separator: ", ")
        let more = users.count > 3 ? " and \(users.count - 3) more" : ""
        throw CloneError(
            .conflict,
            "\(master) is in use by the clone\(users.count == 1 ? "" : "s") \(shown)\(more); remove "
                + "\(users.count == 1 ? "it" : "them") first")
    }

    /// Whether a clone can be used.
    /// - Parameter master: its master as the store has it now, or `nil` when it is gone.
    /// - Throws: `.notFound`.
    package func health(of name: CloneName, master: MasterImage?) throws(CloneError) -> CloneHealth {
        let clone = try show(name)
        let health = try backend(clone.backend).health(of: clone.artefact, master: master)
        guard health == .ok, let reason = seeds.obstacle(of: clone) else { return health }
        return .broken(reason: reason)
    }

    // MARK: Changing

    /// Makes one clone named `base`, or `count` clones named `base-1` to `base-count`: all of them or none. When it
    /// returns they are durable.
    /// - Parameter identity: who their guests are; `nil` for clones without seed images.
    /// - Throws: `.usage` for a bad count, an absent backend or a guest without a host name; `.conflict` when a name is taken (nothing is made then)
    ///   or no backend works here; `.noSpace`; `.other`.
    package func create(
        _ base: CloneName, count: Int? = nil, of master: MasterImage, backend choice: BackendChoice = .auto,
        identity: GuestIdentity? = nil
    ) throws(CloneError) -> CreatedClones {
        let names = try CloneName.series(base, count: count)
        let seedImages = try identity?.seedImages(for: names, isNumbered: count != nil, newInstance: newInstance) ?? []
        let elapsed = stopwatch()
        return try state.withLock { state throws(CloneError) in
            settle(&state)
            for name in names where state.clones[name] != nil {
                throw CloneError(.conflict, "there is a clone \(name) already; remove it or choose another name")
            }
            let pick = try choice.pick(from: backends, for: master, count: names.count)
            var clones: [Clone] = []
            let created = wallClock()
            for name in names {
                clones.append(
                    Clone(
                        artefact: try pick.backend.plan(name, of: master), master: master.name,
                        backend: pick.backend.kind, created: created, state: .creating,
                        seedImage: identity == nil ? nil : try seeds.plan(name)))
            }
            do throws(CloneError) {
                try state.record(put: clones)
                try seeds.create(seedImages, for: clones)
                let artefacts = try pick.backend.create(clones.map(\.artefact), of: master)
                for (index, artefact) in artefacts.enumerated() where index < clones.count {
                    clones[index].artefact = artefact
                    clones[index].state = .ready
                }
                try state.record(put: clones)
            } catch {
                state.hide(clones)
                settle(&state)
                throw error
            }
            return CreatedClones(
                clones: clones, backend: pick.backend.kind, explanation: pick.explanation, duration: elapsed())
        }
    }

    /// Takes a clone back to its master; what was written to it is lost. A crash leaves the old content or the new.
    /// - Throws: `.notFound`; `.conflict` when `master` is not the clone's; `.noSpace`; `.other`.
    package func reset(_ name: CloneName, to master: MasterImage) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            settle(&state)
            var clone = try state.ready(name)
            guard clone.master == master.name else {
                throw CloneError(.conflict, "the clone \(name) belongs to \(clone.master) and not to \(master.name)")
            }
            // The disk goes first: a fresh one under the old instance id is still a first start to its guest, whereas the
            // old one under a new id would be set up a second time.
            try seeds.prepareReset(of: clone, instance: newInstance())
            let artefact: CloneArtefact
            do throws(CloneError) {
                artefact = try backend(clone.backend).reset(clone.artefact, to: master)
            } catch {
                seeds.cancelReset(of: clone)
                throw error
            }
            try seeds.commitReset(of: clone)
            guard artefact != clone.artefact else { return }
            clone.artefact = artefact
            try state.record(put: [clone])
        }
    }

    /// Removes clones: none when one of them does not exist.
    /// - Throws: `.notFound`; `.other`.
    package func remove(_ names: [CloneName]) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            settle(&state)
            var clones: [Clone] = []
            for name in names {
                var clone = try state.ready(name)
                clone.state = .removing
                clones.append(clone)
            }
            do throws(CloneError) {
                try state.record(put: clones)
            } catch {
                // On a full disk removing must still work, because it is what frees space: go on without the intent.
                guard error.kind == .noSpace else { throw error }
                state.hide(clones)
            }
            let problems = settle(&state).problems
            if let problem = problems.first, names.contains(where: { state.clones[$0] != nil }) { throw problem }
        }
    }

    /// Finishes what a crash or a failure interrupted: clones half made or half removed go, and so do temporary files.
    /// Opening the registry does this too.
    @discardableResult
    package func recover() -> Recovery {
        state.withLock { state in
            var recovery = settle(&state)
            do throws(FileError) { try state.journal.sweep() } catch {
                recovery.problems.append(CloneError(error, during: "clean up after an interrupted run"))
            }
            do throws(CloneError) { recovery.swept += try seeds.sweep() } catch { recovery.problems.append(error) }
            for backend in backends {
                do throws(CloneError) { recovery.swept += try backend.sweep() } catch {
                    recovery.problems.append(error)
                }
            }
            return recovery
        }
    }

    /// Takes away the artefacts of every clone that is not ready, then forgets it.
    @discardableResult
    private func settle(_ state: inout State) -> Recovery {
        var recovery = Recovery()
        let pending = state.clones.values.filter { $0.state != .ready }.sorted { $0.name < $1.name }
        guard !pending.isEmpty else { return recovery }
        for kind in CloneBackendKind.allCases {
            let clones = pending.filter { $0.backend == kind }
            guard !clones.isEmpty else { continue }
            do throws(CloneError) {
                try backend(kind).remove(clones.map(\.artefact))
                try seeds.remove(clones)
            } catch {
                recovery.problems.append(error)
                continue
            }
            let names = clones.map(\.name)
            recovery.removed += names
            // A failure here costs only a repetition: the record stays, and the next start finds nothing to remove.
            do throws(CloneError) { try state.record(drop: names) } catch {
                recovery.problems.append(error)
                for name in names { state.clones[name] = nil }
            }
        }
        return recovery
    }

    private func backend(_ kind: CloneBackendKind) throws(CloneError) -> any CloneBackend {
        guard let backend = backends.first(where: { $0.kind == kind }) else {
            throw CloneError(
                .conflict, "this host has no backend \(kind.rawValue), which made the clone; run on one that has")
        }
        return backend
    }
}

extension CloneRegistry.State {
    fileprivate func ready(_ name: CloneName) throws(CloneError) -> Clone {
        guard let clone = clones[name], clone.state == .ready else {
            throw CloneError(.notFound, "there is no clone \(name); 'drover clone list' shows those there are")
        }
        return clone
    }

    /// Makes a change durable and then visible.
    fileprivate mutating func record(put: [Clone] = [], drop: [CloneName] = []) throws(CloneError) {
        var next = clones
        for clone in put { next[clone.name] = clone }
        for name in drop { next[name] = nil }
        do throws(FileError) { try journal.record(put: put, drop: drop, all: next) } catch {
            throw CloneError(error, during: "write the list of clones")
        }
        clones = next
    }

    /// Marks clones for removal in memory only.
    fileprivate mutating func hide(_ hidden: [Clone]) {
        for var clone in hidden {
            clone.state = .removing
            clones[clone.name] = clone
        }
    }
}
