// SPDX-License-Identifier: Apache-2.0

import DeviceLayer
import FileLayer
import Glibc
package import Metainfo
import Synchronization
import ToolLayer

/// The clones of a store: makes them, remembers them, and cleans up after a crash.
///
/// Calls block on the disk and follow one another; none may be made from an event loop. One process at a time may have
/// a registry on a folder: the store's lock sees to that.
package final class CloneRegistry: Sendable {
    struct State: Sendable {
        var journal: CloneJournal
        var clones: [CloneName: Clone] { didSet { visible.set(clones) } }
        let visible: VisibleClones
    }

    /// In the order in which `auto` tries them.
    package let backends: [any CloneBackend]
    /// Held through each change, which may take as long as reading a master.
    let state: Mutex<State>
    /// What whoever only asks gets to see meanwhile.
    private let visible: VisibleClones
    let site: CloneSite
    private let order: @Sendable () -> AutoOrder
    let seeds: SeedFiles
    let newInstance: @Sendable () -> String
    private let wallClock: @Sendable () -> Int64
    private let stopwatch: @Sendable () -> @Sendable () -> Duration

    /// Opens the registry and recovers what a crash left.
    /// - Parameters:
    ///   - site: the folder of clones; it is made with the first clone.
    ///   - backends: those there are; `nil` for all that this host may be able to use.
    ///   - order: which of them `auto` tries, and why; `nil` to look at this host's hypervisors.
    ///   - clock: measures how long creation takes.
    ///   - wallClock: seconds since 1970; the machine's clock when it is `nil`.
    ///   - newInstance: an id that no guest ever had, for its seed image.
    /// - Throws: ``CloneError`` when the records cannot be read or are damaged.
    package init(
        site: CloneSite, backends: [any CloneBackend]? = nil, order: AutoOrder? = nil,
        clock: some Clock<Duration> = ContinuousClock(), wallClock: (@Sendable () -> Int64)? = nil,
        newInstance: @escaping @Sendable () -> String = { VhdIdentifier.random().description }
    ) throws(CloneError) {
        let (journal, clones) = try CloneJournal.load(site)
        self.backends = backends ?? Self.standardBackends(at: site)
        self.order = { order ?? AutoOrder(for: LocalHypervisors(files: site.files, tools: PosixTools())) }
        self.wallClock = wallClock ?? { Int64(time(nil)) }
        self.newInstance = newInstance
        self.site = site
        seeds = SeedFiles(site: site)
        stopwatch = {
            let start = clock.now
            return { start.duration(to: clock.now) }
        }
        let visible = VisibleClones(clones)
        self.visible = visible
        state = Mutex(State(journal: journal, clones: clones, visible: visible))
        recover()
    }

    /// Every backend, on this host's files and devices.
    package static func standardBackends(at site: CloneSite) -> [any CloneBackend] {
        let tools = PosixTools()
        let mappings = DeviceMapper(tools: tools)
        let volumes = LogicalVolumes(tools: tools)
        return [
            Qcow2Backend(site: site), ReflinkBackend(site: site), CopyBackend(site: site), VhdBackend(site: site),
            DmSnapshotBackend(site: site, mappings: mappings), DmThinBackend(site: site, mappings: mappings),
            LvmBackend.snapshots(site: site, mappings: mappings, volumes: volumes),
            LvmBackend.thin(site: site, mappings: mappings, volumes: volumes),
        ]
    }

    // MARK: Asking

    /// Every clone that can be used, by name.
    package func list() -> [Clone] {
        visible.all.values.filter { $0.state == .ready }.sorted { $0.name < $1.name }
    }

    /// - Throws: `.notFound`.
    package func show(_ name: CloneName) throws(CloneError) -> Clone {
        try visible.all.ready(name)
    }

    /// The clones of a master, by name: what would break if it were removed.
    package func clones(of master: MasterName) -> [Clone] {
        visible.all.values.filter { $0.needs(master) }.sorted { $0.name < $1.name }
    }

    /// - Throws: `.conflict` that names clones when the master has any. Between this and the removal the caller must
    ///   make no clone.
    package func checkRemovable(_ master: MasterName) throws(CloneError) {
        // A clone of it may be about to be recorded.
        let users = state.withLock { state in
            state.clones.values.filter { $0.needs(master) }.sorted { $0.name < $1.name }
        }
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
        return conditions(of: [clone]) { _ in master }.first?.health ?? .ok
    }

    /// The conditions of clones, in their order.
    /// - Parameter master: a master as the store has it now, or `nil` when it is gone.
    package func conditions(of clones: [Clone], master: (MasterName) -> MasterImage?) -> [CloneCondition] {
        var masters: [MasterName: MasterImage] = [:]
        for name in Set(clones.map(\.master)) { masters[name] = master(name) }
        var conditions: [CloneName: CloneCondition] = [:]
        for (kind, group) in Dictionary(grouping: clones, by: \.backend) {
            let found: [CloneCondition]
            do throws(CloneError) {
                let queries = group.map { CloneQuery($0.artefact, master: masters[$0.master]) }
                found = try backend(kind).conditions(of: queries)
            } catch {
                found = group.map { _ in .broken(error.description) }
            }
            for (clone, condition) in zip(group, found) { conditions[clone.name] = condition }
        }
        return clones.map { clone in
            let condition = conditions[clone.name] ?? .broken("nothing is known of it; this is a bug")
            if let next = clone.next {
                return .broken(
                    "its refresh to \(next) was interrupted; `drover clone refresh --stopped \(next.name)` finishes it")
            }
            guard condition.health.isUsable, let reason = seeds.obstacle(of: clone) else { return condition }
            return .broken(reason)
        }
    }

    /// What each backend can do here, for clones of a master or in general.
    package func capabilities(
        for master: MasterImage?, settings: CloneSettings = .none
    ) -> [(kind: CloneBackendKind, capability: CloneCapability)] {
        state.withLock { _ in backends.map { ($0.kind, $0.probe(master, settings: settings)) } }
    }

    /// What `auto` tries on this host, and why.
    package var autoOrder: AutoOrder { order() }

    // MARK: Changing

    /// Makes one clone named `base`, or `count` clones named `base-1` to `base-count`: all of them or none. When it
    /// returns they are durable.
    /// - Parameters:
    ///   - identity: who their guests are; `nil` for clones without seed images.
    ///   - isTemporary: whether they are to go with this process; they are not listed then, and keep their master from
    ///     being removed.
    /// - Throws: `.usage` for a bad count, an absent backend or a guest without a host name; `.conflict` when a name is taken (nothing is made then)
    ///   or no backend works here; `.altered` when its
    ///   file changed meanwhile; `.noSpace`; `.other`.
    package func create(
        _ base: CloneName, count: Int? = nil, of master: MasterImage, backend choice: BackendChoice = .auto,
        settings: CloneSettings = .none, identity: GuestIdentity? = nil, isTemporary: Bool = false
    ) throws(CloneError) -> CreatedClones {
        let names = try CloneName.series(base, count: count)
        let seedImages = try identity?.seedImages(for: names, isNumbered: count != nil, newInstance: newInstance) ?? []
        let elapsed = stopwatch()
        return try state.withLock { state throws(CloneError) in
            settle(&state)
            for name in names where state.clones[name] != nil {
                throw CloneError(.conflict, "there is a clone \(name) already; remove it or choose another name")
            }
            let pick = try choice.pick(
                from: backends, in: choice == .auto ? order() : nil, for: master, count: names.count,
                settings: settings)
            let created = wallClock()
            let planned = try pick.backend.plan(
                names, of: master, settings: settings, besides: state.artefacts(of: pick.backend.kind))
            var clones: [Clone] = []
            for artefact in planned {
                clones.append(
                    Clone(
                        artefact: artefact, master: master.name, backend: pick.backend.kind, created: created,
                        state: .creating, seedImage: identity == nil ? nil : try seeds.plan(artefact.clone)))
            }
            do throws(CloneError) {
                try state.record(put: clones)
                try seeds.create(seedImages, for: clones)
                let artefacts = try pick.backend.create(clones.map(\.artefact), of: master)
                for (index, artefact) in artefacts.enumerated() where index < clones.count {
                    clones[index].artefact = artefact
                    clones[index].state = isTemporary ? .temporary : .ready
                }
                // Until it is recorded a crash takes them away.
                try site.checkUnchanged(master)
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
    /// - Throws: `.notFound`; `.conflict` when `master` is not the clone's or the clone is in use; `.altered` when
    ///   its file changed meanwhile: the clone is then as it was; `.noSpace`; `.other`.
    package func reset(_ name: CloneName, to master: MasterImage) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            settle(&state)
            var clone = try state.ready(name)
            guard clone.next == nil else {
                throw CloneError(
                    .conflict,
                    "the refresh of the clone \(name) was interrupted; finish it with drover clone refresh --stopped "
                        + "\(clone.master.name)")
            }
            guard clone.master == master.name else {
                throw CloneError(.conflict, "the clone \(name) belongs to \(clone.master) and not to \(master.name)")
            }
            let backend = try backend(clone.backend)
            try site.checkUnchanged(master)
            try backend.checkUnused([clone.artefact])
            // The disk goes first: a fresh one under the old instance id is still a first start to its guest, whereas the
            // old one under a new id would be set up a second time.
            try seeds.prepareReset(of: clone, instance: newInstance())
            do throws(CloneError) {
                let artefact = try backend.reset(clone.artefact, to: master)
                if artefact != clone.artefact {
                    let old = clone.artefact
                    clone.artefact = artefact
                    do throws(CloneError) { try state.record(put: [clone]) } catch {
                        // It is the old clone still; should it not come back now, mapping it does it later.
                        _ = try? backend.map([old], of: master)
                        throw error
                    }
                }
            } catch {
                seeds.cancelReset(of: clone)
                throw error
            }
            try seeds.commitReset(of: clone)
            try backend.finishReset(of: clone.artefact, to: master)
        }
    }

    /// Removes clones: none when one of them does not exist.
    /// - Throws: `.notFound`; `.conflict` when one of them is in use; `.other`.
    package func remove(_ names: [CloneName]) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            settle(&state)
            var clones: [Clone] = []
            for name in names {
                var clone = try state.ready(name)
                clone.state = .removing
                clones.append(clone)
            }
            for (kind, group) in Dictionary(grouping: clones, by: \.backend) {
                try backend(kind).checkUnused(group.map(\.artefact))
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

    /// Removes a temporary clone.
    /// - Throws: what keeps it there; it goes at the next start then.
    package func removeTemporary(_ name: CloneName) throws(CloneError) {
        try state.withLock { state throws(CloneError) in
            guard let clone = state.clones[name], clone.state == .temporary else { return }
            // On record it is one that goes anyway.
            state.hide([clone])
            if let problem = settle(&state).problems.first, state.clones[name] != nil { throw problem }
        }
    }

    /// Temporary clones whose process is gone.
    package var hasAbandoned: Bool { visible.all.values.contains { $0.state == .temporary } }

    /// Removes temporary clones whose process is gone. Only who has just opened the registry knows that it is.
    /// - Returns: what could not be removed; it is tried again at the next start.
    package func removeAbandoned() -> [CloneError] {
        state.withLock { state in
            state.hide(state.clones.values.filter { $0.state == .temporary })
            return settle(&state).problems
        }
    }

    func backend(_ kind: CloneBackendKind) throws(CloneError) -> any CloneBackend {
        guard let backend = backends.first(where: { $0.kind == kind }) else {
            throw CloneError(
                .conflict, "this host has no backend \(kind.rawValue), which made the clone; run on one that has")
        }
        return backend
    }
}

extension CloneRegistry.State {
    /// The artefacts of a backend's clones, whatever their state.
    func artefacts(of kind: CloneBackendKind) -> [CloneArtefact] {
        clones.values.filter { $0.backend == kind }.map(\.artefact).sorted { $0.clone < $1.clone }
    }

    func ready(_ name: CloneName) throws(CloneError) -> Clone { try clones.ready(name) }

    /// Makes a change durable and then visible.
    mutating func record(put: [Clone] = [], drop: [CloneName] = []) throws(CloneError) {
        var next = clones
        for clone in put { next[clone.name] = clone }
        for name in drop { next[name] = nil }
        do throws(FileError) { try journal.record(put: put, drop: drop, all: next) } catch {
            throw CloneError(error, during: "write the list of clones")
        }
        clones = next
    }

    /// Marks clones for removal in memory only.
    mutating func hide(_ hidden: [Clone]) {
        for var clone in hidden {
            clone.state = .removing
            clones[clone.name] = clone
        }
    }
}

extension [CloneName: Clone] {
    /// - Throws: `.notFound`.
    func ready(_ name: CloneName) throws(CloneError) -> Clone {
        guard let clone = self[name], clone.state == .ready else {
            throw CloneError(.notFound, "there is no clone \(name); 'drover clone list' shows those there are")
        }
        return clone
    }
}

/// The clones as they were last recorded, for whoever asks while a change is under way.
final class VisibleClones: Sendable {
    private let clones: Mutex<[CloneName: Clone]>

    init(_ clones: [CloneName: Clone]) { self.clones = Mutex(clones) }

    var all: [CloneName: Clone] { clones.withLock { $0 } }

    func set(_ new: [CloneName: Clone]) { clones.withLock { $0 = new } }
}
