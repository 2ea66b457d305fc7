// SPDX-License-Identifier: Apache-2.0

package import CloneLayer
import FileLayer
import FoundationEssentials
package import ImageStore
import MasterLint
import Metainfo
package import NIOPosix
import Synchronization
import ToolLayer
import TrackerProtocol
import Trust

/// A host's store and clones, and everything that can be done with them without a network. It holds the store's lock.
package final class Host: HostService {
    package let store: ImageStore
    package let clones: CloneRegistry
    /// Whom this host trusts.
    package let trust: HostTrust
    /// Which fleet it is enrolled in.
    package let enrolment: HostEnrolment
    /// What somebody may have to answer for.
    package let audit: HostAudit
    /// Who may vouch for trackers besides the fleet's authority, as PEM.
    let trackerAuthorities: String?
    let files: any FileAccess
    let tools: any ToolAccess = PosixTools()
    /// Threads for the blocking calls of the layers below.
    let threads: NIOThreadPool
    let probeTurn = ProbeTurn()
    /// What it counts of its own work.
    let meters = HostMeters()

    /// Opens the store at `root` and takes its lock.
    /// - Parameters:
    ///   - create: whether a store is made where there is none.
    ///   - trackerAuthorities: who may vouch for trackers besides the fleet's authority, as PEM.
    /// - Throws: ``HostFailure``.
    package init(
        root: String, create: Bool, threads: NIOThreadPool, trackerAuthorities: String? = nil
    ) throws(HostFailure) {
        let files = PosixFiles()
        self.trackerAuthorities = trackerAuthorities
        self.files = files
        self.threads = threads
        do {
            store = try ImageStore.open(root: StoreLayout.resolve(root), files: files, create: create)
            let site = CloneSite(folder: store.layout.clones, files: files) { [store] path throws(FileError) in
                try store.look(at: path)
            }
            clones = try CloneRegistry(site: site)
            trust = try HostTrust(store.layout, files)
            enrolment = try HostEnrolment(store.layout, files)
            audit = HostAudit(store.layout, files)
        } catch {
            throw HostFailure(error)
        }
        // What cannot be cleared is tried again at the next start.
        _ = clearProbes()
    }

    package func perform(
        _ request: HostRequest, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        do {
            switch request {
            case .createMaster(let order): return .master(try await createMaster(order, progress: progress))
            case .adoptMaster(let order): return .master(try await adoptMaster(order, progress: progress))
            case .publishMaster(let reference, let tracker, let credentials):
                let master = try await blocking { try self.find(reference) }
                let url = try TrackerClient.url(tracker)
                let client = trackerClient(credentials)
                try await client.publish(store.torrent(of: master.name), of: master, to: url)
                if let statement = trust.statement(of: master.name) {
                    try await client.publish(statement, about: master.name, to: url)
                }
                return .done
            case .verifyMaster(let reference):
                return .verified(
                    try await interruptible {
                        try self.verify(self.find(reference), isCancelled: $0, progress: progress)
                    })
            case .probeMaster(let order): return .probed(try await probe(order, progress: progress))
            case .lintMaster(let reference):
                let master = try await blocking { try self.find(reference) }
                let report = try await interruptible { [files, tools] isCancelled in
                    try ImageLint(master.path, files: files, tools: tools).run(
                        progress: { done, total in
                            progress(HostProgress(phase: "looking", done: Int64(done * 1000 / total), total: 1000))
                        }, isCancelled: isCancelled)
                }
                return .linted(MasterLintReport(report, of: master.name))
            // They may read a whole master, and one on a share that is silent for ever; the threads that serve pieces must not
            // wait for that.
            case .createClones, .resetClones, .removeClones, .mapClones, .repairClones, .removeMaster, .pruneMasters:
                return try await interruptible { _ in try self.handle(request) }
            case .refreshClones(let line, let dryRun):
                return .refreshedClones(
                    try await interruptible { try self.refreshClones(of: line, dryRun: dryRun, isCancelled: $0) })
            case .refreshTrust(let trackers):
                let problems = try await refreshTrust(from: trackers)
                return .refreshed(trust.snapshot.map { TrustReport($0) }, problems: problems)
            case .enrol(let order): return .enrolment(try await enrol(order))
            case .fetch, .awaitMaster: throw HostFailure(.noPeer, "a fetch needs a running peer")
            case .examine: return .examined(try await examine())
            case .why, .listSwarms:
                throw HostFailure(
                    .noPeer, "no peer is running on \(store.layout.root); start one with `drover peer run`")
            case .status: return .status(try statusWithoutPeer())
            default: return try await blocking { try self.handle(request) }
            }
        } catch {
            throw HostFailure(error)
        }
    }

    private func handle(_ request: HostRequest) throws -> HostReply {
        switch request {
        case .listMasters: return .masters(store.masters().map(report))
        case .showMaster(let reference): return .master(report(try find(reference)))
        case .removeMaster(let reference, let force):
            if let name = reference.exact, store.partials().contains(where: { $0.name == name }) {
                try store.abandon(name)
                return .done
            }
            try removeMaster(find(reference).name, force: force)
            return .done
        case .createClones(let order):
            try checkClones(order.clone, count: order.count, backend: order.backend)
            let master = try find(order.master)
            try checkClonable(master, unsigned: order.unsigned)
            return .created(
                try makeClones(
                    order.clone, count: order.count, of: master.name, backend: order.backend, settings: order.settings,
                    identity: order.identity))
        case .listClones: return .clones(report(clones.list()))
        case .showClone(let name): return .clone(report(try clones.show(CloneName(name))))
        case .configureClone(let order): return .configuration(try configuration(order))
        case .resetClones(let names):
            for name in names {
                let clone = try clones.show(CloneName(name))
                try clones.reset(clone.name, to: image(of: clone.master))
            }
            return .done
        case .removeClones(let names):
            try clones.remove(names.map { name throws(CloneError) in try CloneName(name) })
            return .done
        case .mapClones(let names): return .mapped(try mapClones(names))
        case .repairClones: return .repaired(repairClones())
        case .activate(let order): return .active([try activate(order)])
        case .rollBack(let line, let reason): return .active([try rollBack(line, reason: reason)])
        case .mark(let reference, let mark): return .master(try self.mark(reference, mark))
        case .pruneMasters(let quota, let dryRun):
            guard quota.map({ $0 >= 0 }) ?? true else { throw HostFailure(.usage, "a quota is not negative") }
            let retention = retention(quota: quota)
            return .pruned(dryRun ? PruneReport(retention) : try prune(retention))
        case .listActive: return .active(activeReports())
        case .pinTrust(let json):
            let envelope = try SignedEnvelope(json: json)
            let digest = SHA256Digest(hashing: Array(envelope.payload))
            try audited("trust.pin", "root with SHA-256 \(digest)") { () throws(HostFailure) in try trust.pin(envelope)
            }
            return .trust(trust.snapshot.map { TrustReport($0) })
        case .showTrust: return .trust(trust.snapshot.map { TrustReport($0) })
        case .keepStatement(let reference, let json):
            let name = try find(reference).name
            let envelope = try SignedEnvelope(json: json)
            guard try envelope.unchecked(MasterStatement.self).master == name else {
                throw HostFailure(.usage, "the statement is about another master than \(name)")
            }
            try trust.keep(envelope, of: name)
            return .done
        case .showStatement(let reference):
            return .statement(trust.statement(of: try find(reference).name).map { Data($0.json) })
        case .listAudit:
            let (records, problem) = try audit.records()
            return .audit(AuditReport(records: records, problem: problem))
        case .showEnrolment: return .enrolment(enrolmentReport)
        case .leaveFleet:
            try leaveFleet()
            return .done
        case .showOrders: return .orders(try ordersReport())
        case .trustEpoch(let epoch): return .orders(try trustEpoch(epoch))
        case .limit(let up, let down): return .limits(try limit(up: up, down: down))
        case .createMaster, .adoptMaster, .publishMaster, .verifyMaster, .lintMaster, .fetch, .awaitMaster, .status,
            .why,
            .listSwarms, .examine, .refreshTrust, .enrol, .probeMaster, .refreshClones:
            throw HostFailure(.failed, "this request is not answered here; this is a bug")
        }
    }

    // MARK: Masters

    /// The master a reference means.
    /// - Throws: `StoreError.notFound`.
    func find(_ reference: MasterReference) throws -> Master {
        if let exact = reference.exact { return try store.master(named: exact) }
        // What a bare name means is this host's choice.
        return try store.master(of: reference.name)
    }

    func report(_ master: Master) -> MasterReport {
        var report = MasterReport(
            master, torrent: store.layout.masterTorrent(master.name), clones: clones.clones(of: master.name))
        let versions = store.activeVersions(of: master.name.name)
        if versions.current == master.name.version {
            report.role = "active"
        } else if versions.previous.contains(master.name.version) {
            report.role = "kept"
        } else if versions.retired.contains(master.name.version) {
            report.role = "retired"
        } else if versions.pinned.contains(master.name.version) {
            report.role = "pinned"
        }
        if trust.isRevoked(master.name) {
            report.state = "revoked"
            report.problem = "its publishers have revoked it: it is neither served nor cloned; use another version"
        }
        return report
    }

    private func verify(
        _ master: Master, isCancelled: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (HostProgress) -> Void
    ) throws -> VerificationReport {
        let report = try store.verify(
            master.name,
            progress: { progress(HostProgress(phase: "verifying", done: $0, total: master.size)) },
            isCancelled: isCancelled)
        meters.verified(badPieces: report.badPieces.count)
        return VerificationReport(
            master: "\(master.name)", pieceCount: report.pieceCount, badPieces: report.badPieces.map(\.number),
            isGood: report.isGood)
    }

    // MARK: Clones

    /// The clone layer's view of a master, which must be fit to be cloned.
    func image(of name: MasterName) throws -> MasterImage {
        try checkNotRevoked(name)
        let master = try store.master(named: name)
        _ = try store.openMaster(name)
        return try MasterImage(name: name, path: master.path, size: master.size, stamp: master.stamp)
    }

    func makeClones(
        _ base: String, count: Int?, of master: MasterName, backend: String, settings: CloneSettings = .none,
        identity: HostRequest.Identity? = nil
    ) throws -> CreatedClonesReport {
        let guest = try identity.map { identity throws(CloneError) in
            try GuestIdentity(
                hostName: identity.hostName, keys: identity.sshKeys, userData: identity.userData.map { Array($0) })
        }
        let created = try clones.create(
            CloneName(base), count: count, of: image(of: master), backend: BackendChoice(backend), settings: settings,
            identity: guest)
        let scope = scope
        meters.made(
            created.clones.count, by: created.backend.rawValue, seconds: created.duration.milliseconds / 1000)
        return CreatedClonesReport(
            clones: created.clones.map {
                CloneReport($0, CloneCondition(.ok), machine: MachineIdentity(of: $0.name, scope: scope))
            }, backend: created.backend.rawValue,
            explanation: created.explanation, milliseconds: created.duration.milliseconds)
    }

    /// Whether these very clones of the master are there, all of them.
    func hasClones(_ base: String, count: Int?, of master: MasterName) throws -> Bool {
        let made = Set(clones.clones(of: master).map(\.name))
        return try CloneName.series(CloneName(base), count: count).allSatisfy { made.contains($0) }
    }

    /// Refuses clones whose names are taken or cannot be, before anything is done for them.
    func checkClones(_ base: String, count: Int?, backend: String) throws {
        _ = try BackendChoice(backend)
        let taken = Set(clones.list().map(\.name))
        for name in try CloneName.series(CloneName(base), count: count) where taken.contains(name) {
            throw HostFailure(.conflict, "there is a clone \(name) already; remove it or choose another name")
        }
    }

    func report(_ clone: Clone) -> CloneReport {
        let condition = conditions(of: [clone]).first ?? CloneCondition(.ok)
        return CloneReport(clone, condition, machine: MachineIdentity(of: clone.name, scope: scope))
    }

    /// Clones with their conditions, which are found out together.
    func report(_ clones: [Clone]) -> [CloneReport] {
        let scope = scope
        return zip(clones, conditions(of: clones)).map {
            CloneReport($0, $1, machine: MachineIdentity(of: $0.name, scope: scope))
        }
    }

    func conditions(of chosen: [Clone]) -> [CloneCondition] {
        clones.conditions(of: chosen, master: masterAsItIs)
    }

    /// - Parameter names: of clones, or devices: of those the ones that are clones of this store are mapped.
    private func mapClones(_ names: [String]?) throws -> MapReport {
        let known = Dictionary(clones.list().map { ($0.path, $0.name) }) { first, _ in first }
        let chosen = try names.map { names in
            try names.compactMap { name throws(CloneError) in
                name.hasPrefix("/") ? known[name] : try CloneName(name)
            }
        }
        let outcome = try clones.map(chosen, master: masterAsItIs)
        return MapReport(mapped: outcome.mapped.map(\.text), problems: outcome.problems.map(\.description))
    }

    private func repairClones() -> RepairReport {
        let recovery = clones.repair()
        return RepairReport(
            clones: recovery.removed.map(\.text), removed: recovery.swept,
            problems: recovery.problems.map(\.description))
    }

    /// What this host can do.
    /// - Parameter trackers: those that are known besides the one that this host is enrolled at.
    func examine(trackers: [TrackerURL] = []) async throws -> DoctorReport {
        var report = try await blocking { [self] in
            HostExamination(root: store.layout.root, files: files, tools: tools).report(of: clones)
        }
        let membership = enrolment.membership
        let own = membership.flatMap { TrackerURL($0.tracker) }
        let network = NetworkExamination(
            trackers: trackers.reduce(into: own.map { [$0] } ?? []) { all, tracker in
                if !all.contains(where: { $0.base == tracker.base }) { all.append(tracker) }
            }, client: trackerClient(), membership: membership, meters: meters)
        report.checks += await network.checks()
        return report
    }

    /// Clones in block devices that will run full, or are broken: a sentence each.
    func cloneWarnings() -> [String] {
        let devices = clones.list().filter(\.backend.isBlockDevice)
        return zip(devices, conditions(of: devices)).compactMap { clone, condition in
            condition.health.sentence.map { "clone \(clone.name): \($0)" }
        }
    }

    /// The clone layer's view of a master that may be of no use now; `nil` when there is none.
    func masterAsItIs(_ name: MasterName) -> MasterImage? {
        guard let master = try? store.master(named: name) else { return nil }
        return try? MasterImage(name: name, path: master.path, size: master.size, problem: master.problem)
    }

    /// Free bytes of the store's file system; 0 where that cannot be told.
    var freeBytes: Int64 { (try? files.space(at: store.layout.root))?.available ?? 0 }

    /// Threads for reading whole images. On a share whose server is away that may take for ever, so these are not the
    /// threads that everything else needs.
    private static let readers = {
        let readers = NIOThreadPool(numberOfThreads: 4)
        readers.start()
        return readers
    }()

    /// Reads a whole image on a thread for that; the work asks now and then whether the task was cancelled.
    func interruptible<Result: Sendable>(
        _ work: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Result
    ) async throws -> Result {
        let cancelled = Atomic(false)
        return try await withTaskCancellationHandler {
            try await Self.readers.runIfActive { try work { cancelled.load(ordering: .relaxed) } }
        } onCancel: {
            cancelled.store(true, ordering: .relaxed)
        }
    }

    /// Runs blocking work on a thread of its own pool.
    func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await threads.runIfActive(work)
    }
}

extension Duration {
    /// The duration in milliseconds.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
