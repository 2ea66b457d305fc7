// SPDX-License-Identifier: Apache-2.0

package import FileLayer
package import Metainfo

import Glibc
import Synchronization

/// The images of one host: registered masters, and fetches that are under way. One process at a time works on a store.
///
/// Every change is ordered so that a crash between any two steps leaves what was, what is to be, or leftovers that the
/// next opening sweeps away; never a claim about bytes that are not on disk. All calls block and are safe from any
/// thread.
package final class ImageStore: Sendable {
    struct State {
        var masters: [MasterName: MasterRecord] = [:]
        var fetches: [MasterName: FetchRecord] = [:]
        /// Fetches that someone writes to.
        var open: [MasterName: PartialImage] = [:]
        /// Names whose files some call is changing.
        var busy: Set<MasterName> = []
        /// What each line stands at.
        var active: [String: ActiveVersions] = [:]
    }

    package let layout: StoreLayout
    /// What opening found and could not put right, as sentences for the log.
    package let notes: [String]
    let files: any FileAccess
    /// The images of adopted masters.
    let shared: SharedFiles
    let clock: @Sendable () -> Int64
    let state: Mutex<State>
    /// Held while what a line stands at changes.
    let activeChange = Mutex(())
    private let lock: any HeldStoreLock

    /// Opens a store: takes its lock, and puts right what a crash left behind.
    /// - Parameters:
    ///   - root: the store's folder; absolute, see ``StoreLayout/resolve(_:)``.
    ///   - create: whether a store is made where there is none, parents included.
    ///   - patience: how long a file server may take to answer for an adopted master.
    ///   - clock: seconds since 1970, for the time of registration.
    /// - Throws: ``StoreError``; `.inUse` when another process has it open, `.notFound` when there is none and none may
    ///   be made, `.readOnly` or `.denied` when it cannot be written.
    package static func open(
        root: String, files: any FileAccess, create: Bool, locks: any StoreLocking = PosixStoreLocks(),
        patience: Duration = .seconds(2), clock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) throws(StoreError) -> ImageStore {
        try ImageStore(StoreLayout(root: root), files, create: create, locks, patience, clock)
    }

    private init(
        _ layout: StoreLayout, _ files: any FileAccess, create: Bool, _ locks: any StoreLocking,
        _ patience: Duration, _ clock: @escaping @Sendable () -> Int64
    ) throws(StoreError) {
        try Self.prepare(layout, files, create: create)
        switch try translating({ () throws(FileError) in try locks.acquire(layout.lock) }) {
        case .held(let lock): self.lock = lock
        case .taken(let holder):
            let who = holder.map { "process \($0)" } ?? "another process"
            throw StoreError(
                .inUse(by: holder),
                "\(who) is using the store \(layout.root) and does not answer; stop it, or name another store with --store"
            )
        }
        var recovery = StoreRecovery(layout: layout, files: files)
        try recovery.run()
        self.layout = layout
        self.files = files
        shared = SharedFiles(files, patience: patience)
        self.clock = clock
        notes = recovery.notes
        state = Mutex(State(masters: recovery.masters, fetches: recovery.fetches, active: recovery.active))
    }

    private static func prepare(
        _ layout: StoreLayout, _ files: any FileAccess, create: Bool
    ) throws(StoreError) {
        let found = try translating { () throws(FileError) in try files.status(layout.root) }
        if let found, !found.isDirectory {
            throw StoreError(.invalid, "\(layout.root) is not a folder; name the store's folder with --store")
        }
        guard create else {
            guard found != nil, (try? files.status(layout.masters))?.isDirectory == true else {
                throw StoreError(
                    .notFound,
                    "there is no store at \(layout.root); name one with --store or DROVER_STORE, or make one with "
                        + "`drover peer run` or `drover master create`")
            }
            return
        }
        try translating { () throws(FileError) in
            try makeDurably(layout.root, files)
            for directory in [layout.masters, layout.partials, layout.clones] { try files.makeDirectory(directory) }
            try files.syncDirectory(layout.root)
        }
    }

    /// Makes a directory and those above it that are missing, each synced into its parent.
    private static func makeDurably(_ path: String, _ files: any FileAccess) throws(FileError) {
        if path == "/" { return }
        if let status = try files.status(path), status.isDirectory { return }
        try makeDurably(path.parentDirectory, files)
        try files.makeDirectory(path)
        try files.syncDirectory(path.parentDirectory)
    }

    // MARK: What there is

    /// All registered masters, by name and version.
    package func masters() -> [Master] {
        state.withLock { $0.masters }.sorted { $0.key < $1.key }.map { master($0.key, $0.value) }
    }

    /// - Throws: `.notFound`.
    package func master(named name: MasterName) throws(StoreError) -> Master {
        master(name, try record(of: name))
    }

    /// The master's .torrent, to the byte as it was made or fetched.
    /// - Throws: `.notFound`, or `.invalid` when the file is gone.
    package func torrent(of name: MasterName) throws(StoreError) -> [UInt8] {
        _ = try record(of: name)
        do throws(FileError) {
            return try files.contents(of: layout.masterTorrent(name), limit: TorrentFile.maximumByteCount)
        } catch {
            guard error.cause == .notFound else { throw StoreError(error) }
            throw StoreError(.invalid, "the torrent of \(name) is gone; remove the master and fetch it again")
        }
    }

    /// - Throws: as ``torrent(of:)``, and `.invalid` when the torrent is damaged.
    package func metainfo(of name: MasterName) throws(StoreError) -> Metainfo {
        let bytes = try torrent(of: name)
        do throws(MetainfoError) {
            return try Metainfo(torrent: bytes)
        } catch {
            throw StoreError(.invalid, "the torrent of \(name) is damaged (\(error)); remove and fetch it again")
        }
    }

    /// Opens a master's image for serving or cloning.
    /// - Throws: `.notFound`, also when an adopted master is out of reach; `.verification` when the master was altered or
    ///   failed its verification.
    package func openMaster(_ name: MasterName) throws(StoreError) -> any OpenFile {
        let master = try master(named: name)
        if let problem = master.problem {
            throw StoreError(master.state == .unreachable ? .notFound : .verification, "\(name): \(problem)")
        }
        return try translating { () throws(FileError) in try files.open(master.path, .read) }
    }

    func record(of name: MasterName) throws(StoreError) -> MasterRecord {
        guard let record = state.withLock({ $0.masters[name] }) else { throw .noSuchMaster(name, layout.root) }
        return record
    }

    private func master(_ name: MasterName, _ record: MasterRecord) -> Master {
        if let adopted = record.adopted { return adoptedMaster(name, record, adopted) }
        var master = Master(name, record, path: layout.masterImage(name), location: .store)
        let status = try? files.status(master.path)
        let isSame = status?.size == record.size && status?.modified == record.modified
        master.state = record.badPieces != nil ? .failed : isSame ? .registered : .altered
        master.problem = Self.problem(name, master.state)
        master.allocated = status?.allocated ?? 0
        return master
    }

    /// Why a master in the store is not to be served or cloned, nor its clones to be used.
    private static func problem(_ name: MasterName, _ state: Master.State) -> String? {
        switch state {
        case .registered, .unreachable: nil
        case .altered: "it was changed since it was registered; run `drover master verify \(name)` first"
        case .failed: "it failed its verification; remove it and fetch it again, or fetch a newer version"
        }
    }

    // MARK: For the other parts of this type

    /// Runs `body` while no other call may change the files of `name`.
    /// - Throws: `.conflict` when another call is at it.
    func reserving<Result>(
        _ name: MasterName, _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try reserve(name)
        defer { release(name) }
        return try body()
    }

    func reserve(_ name: MasterName) throws(StoreError) {
        guard state.withLock({ $0.busy.insert(name).inserted }) else { throw .busy(name) }
    }

    func release(_ name: MasterName) { _ = state.withLock { $0.busy.remove(name) } }

    /// Refuses when the file system could not take `needed` more bytes and keep its headroom of 3 %, at most 2 GiB.
    func checkSpace(for needed: Int64, _ what: String) throws(StoreError) {
        let space = try translating { () throws(FileError) in try files.space(at: layout.partials) }
        let headroom = min(space.total / 100 * 3, 2 << 30)
        guard needed > space.available - headroom else { return }
        throw StoreError(
            .noSpace(needed: needed, available: space.available),
            "\(what) needs \(megabytes(needed)) and \(megabytes(headroom)) must stay free, but \(layout.root) has "
                + "\(megabytes(space.available)); free some space or use a store on a larger disk")
    }

    private func megabytes(_ bytes: Int64) -> String { "\((max(0, bytes) + (1 << 20) - 1) >> 20) MiB" }
}
