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
    func probe(_ master: MasterImage?) -> CloneCapability

    /// Says where a clone will lie, and makes nothing. What it names is all that ``remove(_:)`` needs after a crash at
    /// any point of ``create(_:of:)``.
    /// - Throws: `.conflict` when something stands in that place already.
    func plan(_ clone: CloneName, of master: MasterImage) throws(CloneError) -> CloneArtefact

    /// Makes planned artefacts; when it returns all of them are durable. One call takes many because durability is
    /// cheaper together. When it throws, some may be made: the registry then removes them all.
    /// - Returns: the artefacts in the same order, with details that became known while making them.
    func create(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> [CloneArtefact]

    /// Puts a fresh clone of `master` in the artefact's place. A crash leaves the old content or the new.
    func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact

    /// Takes artefacts away, durably. One that is not there, or was only half made, is no error.
    func remove(_ artefacts: [CloneArtefact]) throws(CloneError)

    /// Whether the clone can still be opened and reads as it should.
    /// - Parameter master: its master, or `nil` when the store no longer has it.
    func health(of artefact: CloneArtefact, master: MasterImage?) -> CloneHealth

    /// Takes away what an interrupted call left under this backend's own temporary names.
    /// - Returns: what was removed.
    func sweep() throws(CloneError) -> [String]
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

/// Whether a clone is usable.
package enum CloneHealth: Equatable, Sendable {
    case ok
    /// - Parameter reason: one sentence that says what is wrong and what to do.
    case broken(reason: String)
}
