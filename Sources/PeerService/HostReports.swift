// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
package import AuditTrail
package import MasterLint
import Metainfo
import Trust

/// A registered master, as JSON and tables show it.
package struct MasterReport: Codable, Equatable, Sendable {
    package var name: String
    package var version: Int
    package var label: String?
    /// `registered`, `altered`, `failed`, `unreachable` or `revoked`.
    package var state: String
    /// `active` when its bare name means it, `kept` when its line can go back to it, `retired`, or `pinned`.
    package var role: String?
    /// `store` or `adopted`.
    package var location: String
    /// Why an adopted master cannot be used, and what to do.
    package var problem: String?
    /// Bytes of the image, and bytes it occupies on disk.
    package var size: Int64
    package var allocated: Int64
    package var pieceLength: Int
    package var infoHashV1: String?
    package var infoHashV2: String?
    /// Absolute paths of the image and of its .torrent.
    package var path: String
    package var torrent: String
    /// Names of the clones that depend on it.
    package var clones: [String]

    init(_ master: Master, torrent: String, clones: [Clone]) {
        name = master.name.name
        version = master.name.version
        label = master.label
        state = master.state.rawValue
        location = master.location.rawValue
        problem = master.problem
        size = master.size
        allocated = master.allocated
        pieceLength = master.pieceLength
        infoHashV1 = master.infoHashes.v1?.hex
        infoHashV2 = master.infoHashes.v2?.hex
        path = master.path
        self.torrent = torrent
        self.clones = clones.map(\.name.text)
    }
}

/// What a line of masters stands at on this host.
package struct ActiveReport: Codable, Equatable, Sendable {
    package struct Denial: Codable, Equatable, Sendable {
        package var version: Int
        /// Seconds since 1970.
        package var at: Int64
        package var reason: String
    }

    package var name: String
    package var active: Int?
    /// What a rollback would go to first, then next.
    package var previous: [Int]
    /// The highest version in the store.
    package var newest: Int?
    package var denied: [Denial]
}

/// What was removed because nothing needs it, or would be.
package struct PruneReport: Codable, Equatable, Sendable {
    package struct Removal: Codable, Equatable, Sendable {
        package var master: String
        /// Bytes on disk.
        package var bytes: Int64
        /// `retired` or `quota`.
        package var cause: String
    }

    package struct Waiting: Codable, Equatable, Sendable {
        package var master: String
        package var reason: String
    }

    package var removed: [Removal]
    /// Retired masters that stay for now.
    package var waiting: [Waiting]
    /// Bytes beyond the quota that cannot be freed.
    package var excess: Int64
    /// What could not be removed, a sentence each.
    package var problems: [String]
}

/// Whom this host trusts, and what it has seen.
package struct TrustReport: Codable, Equatable, Sendable {
    package struct Publisher: Codable, Equatable, Sendable {
        package var name: String
        package var key: String
        /// What signatures name the key by.
        package var id: String
    }

    package struct Line: Codable, Equatable, Sendable {
        package var name: String
        /// The highest version that was ever believed; 0 for none.
        package var highest: Int
        /// The serial of the newest pointer, and where it points.
        package var pointer: Int?
        package var current: Int?
        package var revoked: [Int]
    }

    package var serial: Int
    package var threshold: Int
    package var publishers: [Publisher]
    package var lines: [Line]

    init(_ ledger: TrustLedger) {
        serial = ledger.root.serial
        threshold = ledger.root.threshold
        publishers = ledger.root.keys.map { Publisher(name: $0.name, key: "\($0.key)", id: $0.key.id) }
        lines = ledger.lines.sorted { $0.key < $1.key }.map { name, line in
            Line(
                name: name, highest: line.highest, pointer: line.pointer?.serial, current: line.pointer?.current,
                revoked: line.revoked.sorted())
        }
    }
}

/// What somebody may have to answer for, oldest first.
package struct AuditReport: Codable, Equatable, Sendable {
    package var records: [AuditRecord]
    /// Where the trail was changed, if it was.
    package var problem: String?
}

/// A clone, as JSON and tables show it.
package struct CloneReport: Codable, Equatable, Sendable {
    package var name: String
    /// `NAME@VERSION`.
    package var master: String
    package var backend: String
    package var path: String
    /// `ok`, or why the clone cannot be used or will not be for long.
    package var health: String
    /// Whether a machine may use it.
    package var isUsable: Bool
    /// How full the room for what is written to it is, 0 to 1; `nil` where only the disk bounds it.
    package var fill: Double?
    /// Of the machine that `clone config` describes.
    package var mac: String
    package var uuid: String
    /// The image from which the guest gets its identity, if it has one.
    package var seedImage: String?

    init(_ clone: Clone, _ condition: CloneCondition, machine: MachineIdentity) {
        name = clone.name.text
        master = "\(clone.master)"
        backend = clone.backend.rawValue
        path = clone.path
        health = condition.health.sentence ?? "ok"
        isUsable = condition.health.isUsable
        fill = condition.fill
        mac = machine.hardwareAddress
        uuid = machine.identifier
        seedImage = clone.seedImage
    }
}

/// What mapping clones came to.
package struct MapReport: Codable, Equatable, Sendable {
    /// Clones that were not usable before.
    package var mapped: [String]
    /// What could not be done, a sentence each.
    package var problems: [String]
}

/// What a repair found.
package struct RepairReport: Codable, Equatable, Sendable {
    /// Clones that were half made or half removed, and are gone.
    package var clones: [String]
    /// Files, devices and volumes that no clone owned, and that are gone.
    package var removed: [String]
    /// What could not be done, a sentence each.
    package var problems: [String]
}

/// Clones just made.
package struct CreatedClonesReport: Codable, Equatable, Sendable {
    package var clones: [CloneReport]
    package var backend: String
    /// Why this backend.
    package var explanation: String
    /// Milliseconds for all of them together.
    package var milliseconds: Double
}

/// What verifying a master found.
package struct VerificationReport: Codable, Equatable, Sendable {
    package var master: String
    package var pieceCount: Int
    /// Numbers of the pieces that are wrong.
    package var badPieces: [Int]
    package var isGood: Bool
}

/// What a look into a master came to.
package struct MasterLintReport: Codable, Equatable, Sendable {
    package var master: String
    package var places: [LintReport.Place]
    package var findings: [LintReport.Finding]
    /// Whether everything that can hold a guest's files was looked into.
    package var isComplete: Bool

    init(_ report: LintReport, of master: MasterName) {
        self.master = "\(master)"
        places = report.places
        findings = report.findings
        isComplete = report.isComplete
    }
}

/// What a host holds and does. Version 1 of the schema: fields may be added, none changes its meaning.
package struct StatusReport: Codable, Equatable, Sendable {
    /// One master, fetched or registered.
    package struct Entry: Codable, Equatable, Sendable {
        /// Bytes that came from one peer.
        package struct Source: Codable, Equatable, Sendable {
            package var peer: String
            package var bytes: Int64
        }

        package var name: String
        package var version: Int
        package var label: String?
        /// `fetching`, `verifying`, `registered` or `failed`.
        package var state: String
        /// Why it failed.
        package var failure: String?
        package var size: Int64
        /// Bytes known to be right, runs of zeros included.
        package var bytesVerified: Int64
        /// Bytes a second.
        package var downloadRate: Int64
        package var uploadRate: Int64
        /// Connected peers.
        package var peers: Int
        package var clones: [String]
        package var sources: [Source]
        /// How long the fetch took, when this process made it.
        package var fetchSeconds: Double?
        /// How long the clones made on completion took, each.
        package var cloneMilliseconds: [Double]?
        /// `adopted` for a master whose image lies outside of the store, and is not served.
        package var location: String?
        /// When a fetch is complete if it goes on like this, in seconds from now.
        package var eta: TimeRange? = nil
        /// How many connected peers have the rarest of the pieces that a fetch lacks.
        package var rarestCopies: Int? = nil
    }

    /// A tracker and how the last announce to it went.
    package struct Tracker: Codable, Equatable, Sendable {
        package var url: String
        /// `ok`, `waiting`, or the reason of the last failure.
        package var state: String
    }

    package var schema = "drover/status/v1"
    package var store: String
    /// Whether a peer is running on the store.
    package var isRunning: Bool
    /// Where the peer listens.
    package var listen: [String]
    /// Those of them at which anybody may connect, without TLS.
    package var openListeners: [String]? = nil
    /// How the host is enrolled; absent when it is not.
    package var enrolment: EnrolmentReport? = nil
    package var masters: [Entry]
    package var clones: Int
    /// The same by backend.
    package var clonesByBackend: [String: Int]? = nil
    package var trackers: [Tracker]
    /// Free bytes of the store's file system.
    package var freeBytes: Int64
    /// The caps on the peer's rates.
    package var limits: RateLimits? = nil
    /// Connections that broke the protocol since the peer started, by how.
    package var violations: [String: Int]? = nil
    /// Connections that were not let in since the peer started, by why.
    package var refusals: [String: Int]? = nil
    /// What the fleet's tracker ordered last of each line of masters, and how far that is.
    package var orders: [OrdersReport.Line]? = nil
    /// What somebody should look at before it fails, a sentence each, such as a clone whose room is nearly full.
    package var warnings: [String]? = nil
}
