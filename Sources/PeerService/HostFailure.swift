// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import FleetIdentity
import ImageStore
import Metainfo
import Trust

/// Why a request to this host was refused or failed: one sentence for people, and the exit code a program ends with.
package struct HostFailure: Error, Codable, Equatable, Sendable, CustomStringConvertible {
    /// The exit codes of the command line, which docs/operating/exit-codes.md explains.
    package enum Code: Int32, Codable, Sendable {
        case failed = 1
        case usage = 2
        case notFound = 3
        /// The tracker knows nobody by these credentials, or they do not allow it.
        case denied = 4
        case conflict = 5
        case partial = 6
        case timedOut = 7
        case verification = 8
        case noSpace = 9
        case trackerUnreachable = 10
        case noPeer = 11
    }

    package let code: Code
    /// Whether another process holds the store, which may be over in a moment.
    package let isStoreInUse: Bool
    /// `nil` also from programs that do not say it.
    private let isOfDisk: Bool?
    /// One sentence that says what happened and what to do.
    package let message: String

    package init(_ code: Code, _ message: String, isStoreInUse: Bool = false, isDiskError: Bool = false) {
        self.code = code
        self.isStoreInUse = isStoreInUse
        isOfDisk = isDiskError ? true : nil
        self.message = message
    }

    package var description: String { message }

    /// Whether the disk, or the file system on it, is at fault.
    package var isDiskError: Bool { isOfDisk == true }

    /// Runs `body` and turns what it throws into a failure.
    package static func wrapping<Result>(_ body: () throws -> Result) throws(HostFailure) -> Result {
        do { return try body() } catch { throw HostFailure(error) }
    }

    /// The failure that an error of any module amounts to.
    package init(_ error: any Error) {
        switch error {
        case let failure as HostFailure: self = failure
        case let error as StoreError:
            let isInUse = if case .inUse = error.kind { true } else { false }
            self.init(
                Self.code(error.kind), error.description, isStoreInUse: isInUse,
                isDiskError: [.poisoned, .readOnly, .denied, .io].contains(error.kind))
        case let error as CloneError: self.init(Code(rawValue: error.kind.exitCode) ?? .failed, error.description)
        case let refusal as IdentityRefusal: self.init(.verification, refusal.description)
        case let refusal as TrustRefusal: self.init(.verification, refusal.description)
        case let error as MetainfoError:
            self.init(.failed, "\(error); get an unspoiled copy of the .torrent, or make it anew from the image")
        case let busy as TrackerClient.Busy:
            self.init(
                .trackerUnreachable, "the tracker has too much to do at the moment; try again in \(busy.retryAfter)")
        case is CancellationError: self.init(.failed, "it was interrupted; nothing was changed")
        default: self.init(.failed, "\(error)", isDiskError: error is FileError)
        }
    }

    private static func code(_ kind: StoreError.Kind) -> Code {
        switch kind {
        case .conflict, .alreadyRegistered, .inUse, .sourceChanged, .sourceInUse: .conflict
        case .notFound: .notFound
        case .noSpace: .noSpace
        case .verification: .verification
        case .cancelled, .poisoned, .readOnly, .denied, .invalid, .io: .failed
        }
    }
}
