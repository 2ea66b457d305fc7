// SPDX-License-Identifier: Apache-2.0

/// One way of making copy-on-write clones. Files, device-mapper targets and logical volumes fit alike: a clone is an
/// artefact with a path that a VM opens, and what else a backend must remember lies in the artefact's details.
///
/// The registry decides and remembers, a backend only makes and takes away. The order is: plan, record the intent,
/// create, record the outcome. All calls block, and the registry never makes two at once.
package protocol CloneBackend: Sendable {
    var kind: CloneBackendKind { get }

    /// What this backend can do here, found by trying rather than by guessing where that is cheap. Leaves nothing.
    /// - Parameter master: the master to be cloned, or `nil` to ask about the host in general.
    func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability

    /// Says where clones will lie, and makes nothing. What it names is all that ``remove(_:keeping:)`` needs after a
    /// crash at any point of ``create(_:of:)``.
    /// - Parameter besides: the artefacts of this backend's other clones.
    /// - Throws: `.conflict` when something stands in such a place already.
    func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact]

    /// Makes planned artefacts; when it returns all of them are durable. One call takes many because durability is
    /// cheaper together. When it throws, some may be made: the registry then removes them all.
    /// - Returns: the artefacts in the same order, with details that became known while making them.
    func create(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> [CloneArtefact]

    /// Puts a fresh clone of `master` in the artefact's place. A crash leaves the old content or the new.
    /// - Returns: the artefact to be recorded; until that has happened a crash may leave the old one.
    func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact

    /// Makes a reset clone usable and frees its old content, once the new artefact is recorded.
    func finishReset(of artefact: CloneArtefact, to master: MasterImage) throws(CloneError)

    /// Takes artefacts away, durably. One that is not there, or was only half made, is no error.
    /// - Parameter keeping: the artefacts of this backend's other clones.
    func remove(_ artefacts: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError)

    /// - Throws: `.conflict` when one of the artefacts is open, as by a machine, so that it cannot be removed or reset.
    func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError)

    /// - Throws: `.conflict` when one of the artefacts is open, for a backend's files as well, which may be removed and
    ///   reset all the same.
    func checkStopped(_ artefacts: [CloneArtefact]) throws(CloneError)

    /// The artefact as it is to be recorded once ``reset(_:to:)`` has put a clone of another master in its place.
    /// - Parameter old: the master it was made of, where the store still has it.
    func moved(_ artefact: CloneArtefact, from old: MasterImage?, to new: MasterImage) -> CloneArtefact

    /// Makes artefacts usable that a restart of the host took from the kernel. One that cannot be does not keep the
    /// others from it.
    func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping

    /// Whether clones can still be opened and read as they should, in the order asked.
    func conditions(of queries: [CloneQuery]) -> [CloneCondition]

    /// Takes away what an interrupted call left under this backend's own temporary names. Every start does this, so it
    /// is cheap where nothing is left.
    /// - Parameter keeping: the artefacts of all of this backend's clones.
    /// - Returns: what was removed.
    func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String]

    /// Looks at all there is and takes away what no clone owns, such as devices and volumes of clones whose record was
    /// lost. It touches nothing that is not provably this store's.
    /// - Parameter keeping: the artefacts of all of this backend's clones.
    /// - Returns: what was removed.
    func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String]
}

/// What only block devices need.
extension CloneBackend {
    package func finishReset(of artefact: CloneArtefact, to master: MasterImage) throws(CloneError) {}
    package func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) {}
    package func checkStopped(_ artefacts: [CloneArtefact]) throws(CloneError) { try checkUnused(artefacts) }
    package func moved(
        _ artefact: CloneArtefact, from old: MasterImage?, to new: MasterImage
    ) -> CloneArtefact { artefact }
    package func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping {
        CloneMapping()
    }
    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] { [] }
}

/// The answer to a probe.
package enum CloneCapability: Equatable, Sendable {
    case available(CloneFacts)
    /// - Parameters:
    ///   - reason: why not, as the end of "cannot be used because …".
    ///   - fix: what would help, as an imperative.
    case unavailable(reason: String, fix: String)
}

/// What a backend promises where it is available.
package struct CloneFacts: Equatable, Sendable {
    /// Whether a fresh clone uses the master's blocks; otherwise it is a full copy.
    package var sharesBlocks: Bool
    /// Estimated bytes that one fresh clone takes at once.
    package var bytesPerClone: Int64
    /// Estimated bytes that the first clone of the master takes besides, once for all of them.
    package var bytesOnce: Int64
    /// Bytes free where this backend's clones go, or `nil` when unknown.
    package var bytesAvailable: Int64?
    /// One clause for people, such as "shares the master's blocks".
    package var summary: String

    package init(
        sharesBlocks: Bool, bytesPerClone: Int64, bytesOnce: Int64 = 0, bytesAvailable: Int64?, summary: String
    ) {
        self.sharesBlocks = sharesBlocks
        self.bytesPerClone = bytesPerClone
        self.bytesOnce = bytesOnce
        self.bytesAvailable = bytesAvailable
        self.summary = summary
    }
}

/// What mapping clones came to.
package struct CloneMapping: Sendable {
    /// Clones that were not usable before.
    package var mapped: [CloneName] = []
    /// What could not be done for others.
    package var problems: [CloneError] = []

    package init() {}

    /// Maps each of `artefacts` by itself.
    init(
        _ artefacts: [CloneArtefact], _ body: (CloneArtefact) throws(CloneError) -> Bool
    ) {
        for artefact in artefacts {
            do throws(CloneError) { if try body(artefact) { mapped.append(artefact.clone) } } catch {
                problems.append(error)
            }
        }
    }

    /// - Throws: the first problem.
    func checked() throws(CloneError) {
        if let problem = problems.first { throw problem }
    }
}
