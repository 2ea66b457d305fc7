// SPDX-License-Identifier: Apache-2.0

package import CloneLayer
package import FoundationEssentials

/// What a host can be asked to do. The command line asks the running peer through its control socket, or does the same
/// itself where no peer runs.
package enum HostRequest: Codable, Sendable {
    case createMaster(CreateMaster)
    case adoptMaster(AdoptMaster)
    /// Puts a master into a tracker's catalogue, with what publishers say of it where that is known.
    case publishMaster(MasterReference, tracker: String, credentials: TrackerCredentials? = nil)
    case fetch(Fetch)
    /// The status, as soon as a master is no longer being fetched, and after this many milliseconds at the latest.
    case awaitMaster(MasterReference, milliseconds: Int)
    case listMasters
    case showMaster(MasterReference)
    case verifyMaster(MasterReference)
    /// - force: also when its line stands at it or could go back to it.
    case removeMaster(MasterReference, force: Bool = false)
    /// Looks into a master for what its clones must not have in common.
    case lintMaster(MasterReference)
    /// Boots a clone of a master that is made for this alone.
    case probeMaster(ProbeMaster)
    case createClones(CreateClones)
    case listClones
    case showClone(String)
    case configureClone(ConfigureClone)
    case resetClones([String])
    case removeClones([String])
    /// Makes clones usable that a restart took from the kernel; all of them when `nil`. What begins with a slash is a
    /// device, and passed over when it is no clone's.
    case mapClones([String]?)
    case repairClones
    /// Makes the stopped clones of a line that hang on other versions than the active one anew of that.
    case refreshClones(line: String, dryRun: Bool)
    /// Makes a master the one that its bare name means.
    case activate(Activate)
    /// Goes back to the version of a line that was active before.
    case rollBack(line: String, reason: String)
    case listActive
    /// Says what is to become of a master.
    case mark(MasterReference, Mark)
    /// Removes masters that nothing needs.
    /// - quota: the most bytes that masters may take on disk.
    case pruneMasters(quota: Int64?, dryRun: Bool)
    /// Trusts the publishers of a signed root, in the place of those of an older one.
    case pinTrust(Data)
    case showTrust
    /// Keeps a signed statement about a master beside it.
    case keepStatement(MasterReference, Data)
    case showStatement(MasterReference)
    /// Asks trackers what publishers say of the lines in the store.
    case refreshTrust(trackers: [String])
    /// Gets a certificate of a fleet.
    case enrol(Enrol)
    case showEnrolment
    case leaveFleet
    /// What the fleet's tracker ordered, and how far that is.
    case showOrders
    /// Follows a tracker whose data are others than before.
    /// - Parameter epoch: the one that somebody has looked at; `nil` for whichever waits.
    case trustEpoch(String?)
    case listAudit
    case examine
    case status
    /// Why masters are not here faster; all that are fetched or ordered when `nil`.
    case why(MasterReference?)
    /// Whom this host swaps pieces with.
    case listSwarms
    /// Changes the caps that are named, and answers with those there are. A rate is what ``RateText`` reads.
    case limit(up: String?, down: String?)

    /// Makes a master of a source image and registers it.
    package struct CreateMaster: Codable, Sendable {
        /// Absolute path of the source.
        package var source: String
        package var name: String
        package var version: Int
        package var label: String?
        package var trackers: [String]
        package var webSeeds: [String]
        /// Bytes; a power of two. Chosen from the image's size when `nil`.
        package var pieceLength: Int?
        package var hybrid: Bool
        /// Whether everybody may fetch it, also where the host is enrolled in a fleet.
        package var isOpen: Bool
        package var format: SourceFormat
        /// Whether somebody has said the format; it follows from the source's name else.
        package var isFormatStated: Bool

        package init(
            source: String, name: String, version: Int, label: String?, trackers: [String], webSeeds: [String] = [],
            pieceLength: Int?,
            hybrid: Bool, isOpen: Bool = false, format: SourceFormat, isFormatStated: Bool
        ) {
            self.source = source
            self.name = name
            self.version = version
            self.label = label
            self.trackers = trackers
            self.webSeeds = webSeeds
            self.pieceLength = pieceLength
            self.hybrid = hybrid
            self.isOpen = isOpen
            self.format = format
            self.isFormatStated = isFormatStated
        }
    }

    /// Registers an image that stays where it is, and is only read there.
    package struct AdoptMaster: Codable, Sendable {
        /// Absolute, without symbolic links.
        package var path: String
        /// The bytes of its .torrent.
        package var torrent: Data
        /// The name to register under instead of the torrent's own: `NAME@VERSION`.
        package var rename: String?
        package var label: String?

        package init(path: String, torrent: Data, rename: String?, label: String?) {
            self.path = path
            self.torrent = torrent
            self.rename = rename
            self.label = label
        }
    }

    /// Fetches a master from its swarm, registers it, and makes the clones asked for.
    package struct Fetch: Codable, Sendable {
        /// Where the torrent comes from.
        package enum Source: Codable, Sendable {
            case torrent(Data)
            /// From the catalogue of one of the trackers.
            case catalogue(MasterReference)
        }

        package var source: Source
        /// The name to register under instead of the torrent's own: `NAME@VERSION`.
        package var rename: String?
        package var trackers: [String]
        package var clone: String?
        package var count: Int?
        package var backend: String
        /// What publishers say of it, where that does not come from a tracker: a signed statement as JSON.
        package var statement: Data?
        /// Whether nobody needs to have signed it.
        package var unsigned: Bool
        /// What a tracker demands of it that ordered it.
        package var staging: Staging?

        package struct Staging: Codable, Sendable {
            /// The content it must have: an info-hash in hexadecimal.
            package var infoHash: String
            /// The part of the host's link in percent that it may take.
            package var ratePercent: Int
        }

        package init(
            source: Source, rename: String?, trackers: [String], clone: String?, count: Int?, backend: String,
            statement: Data? = nil, unsigned: Bool = false, staging: Staging? = nil
        ) {
            self.staging = staging
            self.statement = statement
            self.unsigned = unsigned
            self.source = source
            self.rename = rename
            self.trackers = trackers
            self.clone = clone
            self.count = count
            self.backend = backend
        }
    }

    package struct Enrol: Codable, Sendable {
        package var tracker: String
        package var token: String
        /// The name that the host would like to have in the fleet.
        package var name: String
        /// Whether it leaves another fleet for this one.
        package var isReplacing: Bool

        package init(tracker: String, token: String, name: String, isReplacing: Bool) {
            self.tracker = tracker
            self.token = token
            self.name = name
            self.isReplacing = isReplacing
        }
    }

    package enum Mark: String, Codable, Sendable {
        case retired, pinned, unpinned
    }

    package struct Activate: Codable, Sendable {
        package var master: MasterReference
        /// Whether a version that was denied may come again.
        package var clearsDenial: Bool
        /// Whether nobody needs to have signed it.
        package var unsigned: Bool

        package init(master: MasterReference, clearsDenial: Bool, unsigned: Bool) {
            self.master = master
            self.clearsDenial = clearsDenial
            self.unsigned = unsigned
        }
    }

    package struct CreateClones: Codable, Sendable {
        package var master: MasterReference
        package var clone: String
        package var count: Int?
        package var backend: String
        package var settings: CloneSettings
        package var identity: Identity?
        /// Whether nobody needs to have signed the master.
        package var unsigned: Bool

        package init(
            master: MasterReference, clone: String, count: Int?, backend: String, settings: CloneSettings = .none,
            identity: Identity? = nil, unsigned: Bool = false
        ) {
            self.unsigned = unsigned
            self.master = master
            self.clone = clone
            self.count = count
            self.backend = backend
            self.settings = settings
            self.identity = identity
        }
    }

    /// Who the guests in clones are.
    package struct Identity: Codable, Sendable {
        package var hostName: String?
        /// Texts of public keys, as .pub files have them.
        package var sshKeys: [String]
        /// What cloud-init runs.
        package var userData: Data?

        package init(hostName: String?, sshKeys: [String], userData: Data?) {
            self.hostName = hostName
            self.sshKeys = sshKeys
            self.userData = userData
        }
    }
}

extension HostRequest {
    /// Writes the configuration of a machine that has a clone as its disk.
    package struct ConfigureClone: Codable, Sendable {
        package var clone: String
        /// `kvm`, `xen`, `qemu` or `virtualbox`.
        package var hypervisor: String
        /// The user's own template; the built-in one when `nil`.
        package var template: String?
        /// MiB.
        package var memory: Int?
        package var processors: Int?

        package init(clone: String, hypervisor: String, template: String?, memory: Int?, processors: Int?) {
            self.clone = clone
            self.hypervisor = hypervisor
            self.template = template
            self.memory = memory
            self.processors = processors
        }
    }
}

/// What a host answers.
package enum HostReply: Codable, Sendable {
    case done
    case master(MasterReport)
    case masters([MasterReport])
    case clone(CloneReport)
    case clones([CloneReport])
    case created(CreatedClonesReport)
    case mapped(MapReport)
    case repaired(RepairReport)
    case refreshedClones(RefreshReport)
    case examined(DoctorReport)
    /// A machine's configuration, in its hypervisor's language.
    case configuration(String)
    case verified(VerificationReport)
    case linted(MasterLintReport)
    case probed(ProbeReport)
    /// The fetch is under way, or was complete already, under this name.
    case fetching(master: String, isComplete: Bool)
    case active([ActiveReport])
    case pruned(PruneReport)
    /// `nil` when no root is pinned.
    case trust(TrustReport?)
    /// The same after trackers were asked, and what could not be asked or is not believed.
    case refreshed(TrustReport?, problems: [String])
    /// A signed statement as JSON, if there is one.
    case statement(Data?)
    case audit(AuditReport)
    /// `nil` when the host is enrolled nowhere.
    case enrolment(EnrolmentReport?)
    /// `nil` when the host is enrolled nowhere.
    case orders(OrdersReport?)
    case status(StatusReport)
    case why(WhyReport)
    case swarms(SwarmsReport)
    case limits(RateLimits)
}

/// How far a request has come.
package struct HostProgress: Codable, Equatable, Sendable {
    /// What is being done, such as `hashing`.
    package let phase: String
    /// Bytes done, and bytes in all.
    package let done: Int64
    package let total: Int64

    package init(phase: String, done: Int64, total: Int64) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// Whoever can carry out requests: the store's owner in this process, or a running peer behind its control socket.
package protocol HostService: Sendable {
    /// - Parameter progress: called now and then, from any thread.
    /// - Throws: ``HostFailure``; cancelling the task interrupts the request and leaves nothing half-made.
    func perform(
        _ request: HostRequest, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply
}
