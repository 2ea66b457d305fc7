// SPDX-License-Identifier: Apache-2.0

import FileLayer
package import Metainfo
import Synchronization

/// What puts clones right again: after a crash, after a restart of the host, and after records were lost.
extension CloneRegistry {
    /// What recovery found.
    package struct Recovery: Sendable {
        /// Clones that a crash had left half made or half removed, and that are gone now.
        package internal(set) var removed: [CloneName] = []
        /// Files and devices under temporary names that are gone now.
        package internal(set) var swept: [String] = []
        /// What could not be cleaned; it is tried again with the next change and the next start.
        package internal(set) var problems: [CloneError] = []
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
                do throws(CloneError) {
                    recovery.swept += try backend.sweep(keeping: state.artefacts(of: backend.kind))
                } catch {
                    recovery.problems.append(error)
                }
            }
            return recovery
        }
    }

    /// What ``recover()`` does, and more: looks at every device and volume for what belongs to this store and to no
    /// clone of it, and takes that away.
    package func repair() -> Recovery {
        var recovery = recover()
        state.withLock { state in
            for backend in backends {
                do throws(CloneError) {
                    recovery.swept += try backend.repair(keeping: state.artefacts(of: backend.kind))
                } catch {
                    // A host that cannot use a backend has nothing of it to repair.
                    let isUsed = state.clones.values.contains { $0.backend == backend.kind }
                    if isUsed || error.kind != .conflict { recovery.problems.append(error) }
                }
            }
        }
        return recovery
    }

    /// Makes clones usable that a restart of the host took from the kernel.
    /// - Parameters:
    ///   - names: which; `nil` for all.
    ///   - master: a master as the store has it now, or `nil` when it is gone.
    /// - Returns: the clones that were not usable before, and what could not be done for others.
    /// - Throws: `.notFound`.
    package func map(
        _ names: [CloneName]? = nil, master: (MasterName) -> MasterImage?
    ) throws(CloneError) -> CloneMapping {
        try state.withLock { state throws(CloneError) in
            var chosen: [Clone] = []
            if let names {
                for name in names { chosen.append(try state.ready(name)) }
            } else {
                chosen = state.clones.values.filter { $0.state == .ready }.sorted { $0.name < $1.name }
            }
            var outcome = CloneMapping()
            for (key, group) in Dictionary(grouping: chosen.filter(\.backend.isBlockDevice), by: MapKey.init) {
                do throws(CloneError) {
                    guard let image = master(key.master) else {
                        throw CloneError(
                            .notFound,
                            "\(key.master) is no longer registered, so its clones cannot be mapped; fetch it again")
                    }
                    if let problem = image.problem {
                        throw CloneError(.conflict, "clones of \(key.master) cannot be mapped: \(problem)")
                    }
                    let part = try backend(key.backend).map(group.map(\.artefact), of: image)
                    outcome.mapped += part.mapped
                    outcome.problems += part.problems
                } catch {
                    outcome.problems.append(error)
                }
            }
            outcome.mapped.sort()
            return outcome
        }
    }

    private struct MapKey: Hashable {
        let master: MasterName
        let backend: CloneBackendKind

        init(_ clone: Clone) {
            master = clone.master
            backend = clone.backend
        }
    }

    /// Takes away the artefacts of every clone that is half made or half removed, then forgets it.
    @discardableResult
    func settle(_ state: inout State) -> Recovery {
        var recovery = Recovery()
        let pending = state.clones.values.filter { $0.state == .creating || $0.state == .removing }.sorted {
            $0.name < $1.name
        }
        guard !pending.isEmpty else { return recovery }
        for kind in CloneBackendKind.allCases {
            let clones = pending.filter { $0.backend == kind }
            guard !clones.isEmpty else { continue }
            do throws(CloneError) {
                let going = Set(clones.map(\.name))
                let keeping = state.artefacts(of: kind).filter { !going.contains($0.clone) }
                try backend(kind).remove(clones.map(\.artefact), keeping: keeping)
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
}
