// SPDX-License-Identifier: Apache-2.0

/// How much a tracker keeps. At a limit new things are refused with ``StorageError/full(what:limit:)``, or with
/// ``StorageError/tooLarge(what:limit:)``, and nothing old is lost.
package struct StorageLimits: Sendable {
    /// The longest page of a list; who asks for more gets this many.
    package static let page = 1_000

    /// Masters in the catalogue.
    package var masters = 10_000
    /// The longest .torrent, in bytes.
    package var torrentByteCount = 16 << 20
    /// The longest signed statement or pointer, in bytes.
    package var envelopeByteCount = 512 << 10
    /// Operators' tokens, withdrawn and expired ones included.
    package var operatorTokens = 10_000
    /// Enrolled hosts, revoked ones included.
    package var hosts = 100_000
    /// Certificates of one host.
    package var certificatesPerHost = 64
    /// What is known of a host besides its name and labels, in bytes.
    package var factsByteCount = 64 << 10
    /// Labels of a host, and the longest key and value in bytes.
    package var labels = 64
    package var labelByteCount = 63
    /// Lines in which one host is kept at its version.
    package var pinnedLines = 256
    /// Enrolment tokens, used and expired ones included.
    package var enrolmentTokens = 10_000
    /// Rollouts.
    package var rollouts = 10_000
    /// Events of one rollout. These limits have room for rollouts of 20,000 hosts with the longest names.
    package var events = 2_000_000
    /// One event, in bytes.
    package var eventByteCount = 16 << 20
    /// Events in one append.
    package var eventsPerAppend = 10_000
    /// Attachments of one rollout, and the longest in bytes.
    package var attachments = 1_000
    package var attachmentByteCount = 256 << 10
    /// Records of the audit trail.
    package var auditRecords = 10_000_000
    /// The part of them up to which refusals are written down, and changes begun: what strangers try leaves room for what is
    /// done, and that for what is done on the tracker's machine.
    package var auditedRefusals: Int { auditRecords - auditRecords / 10 }
    package var auditedChanges: Int { auditRecords - auditRecords / 100 }
    /// Records that are removed in one transaction.
    package var auditRemoval = 10_000
    /// Idempotency records; expired ones are forgotten first.
    package var idempotencyRecords = 100_000
    /// A kept answer, in bytes.
    package var answerByteCount = 64 << 10
    /// Any key, id or name that has no limit of its own, in bytes.
    package var keyByteCount = 253

    package init() {}
}
