// SPDX-License-Identifier: Apache-2.0

/// How far a host says it is. Hosts repeat their latest report with each sign of life, so that a lost one does no harm;
/// one that comes twice, late, or after an earlier one was lost means what it says and no more.
package struct HostReport: Equatable, Sendable {
    package enum Progress: Equatable, Sendable {
        /// Bytes that are verified and on disk, counted as ``RolloutTarget/imageBytes`` counts them: at most as many.
        case staging(bytes: UInt64)
        /// All bytes are there; they are being synced and registered.
        case verifying
        case staged
        /// The order to activate has arrived.
        case activating
        case activated
        case probePassed
        case probeFailed(FailureCode, log: String?)
        /// Active, and well as far as the host can tell.
        case healthy
        /// Back on the version before, by order or by itself.
        case rolledBack
        case failed(FailureCode, log: String?)
    }

    package let host: HostName
    /// The version it is about.
    package let version: UInt64
    /// The whole stamp of the order that it answers, so that what is about another rollout, an earlier order or older
    /// data of the tracker is told apart.
    package let stamp: HostOrder.Stamp
    package let progress: Progress

    package init(host: HostName, version: UInt64, stamp: HostOrder.Stamp, progress: Progress) {
        self.host = host
        self.version = version
        self.stamp = stamp
        self.progress = progress
    }
}
