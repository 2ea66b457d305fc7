// SPDX-License-Identifier: Apache-2.0

/// An enrolled host.
package struct StoredHost: Equatable, Sendable {
    /// Its name, which the tracker gave it.
    package let name: String
    /// What is said of it besides its name, such as `rack`.
    package var labels: [String: String]
    package var enrolled: Int64
    /// When it was shut out; it may come back only by enrolling again.
    package var revoked: Int64?
    /// When something was last heard of it.
    package var lastHeard: Int64?
    /// What it last said of itself, in a form that is no business of the storage.
    package var facts: [UInt8]
    /// Whether operators keep it out of all rollouts.
    package var isDrained: Bool
    /// The lines of masters in which operators keep it at the version that it has.
    package var pinnedLines: Set<String>
    /// Grows with every change but ``lastHeard``.
    package internal(set) var revision: Int

    package init(
        name: String, labels: [String: String] = [:], enrolled: Int64, revoked: Int64? = nil, lastHeard: Int64? = nil,
        facts: [UInt8] = [], isDrained: Bool = false, pinnedLines: Set<String> = [], revision: Int = 0
    ) {
        self.name = name
        self.labels = labels
        self.enrolled = enrolled
        self.revoked = revoked
        self.lastHeard = lastHeard
        self.facts = facts
        self.isDrained = isDrained
        self.pinnedLines = pinnedLines
        self.revision = revision
    }
}

/// A certificate that was issued to a host.
package struct StoredCertificate: Equatable, Sendable {
    /// In lower-case hexadecimal.
    package let serial: String
    package let host: String
    package let issued: Int64
    package let expires: Int64
    package var revoked: Int64?

    package init(serial: String, host: String, issued: Int64, expires: Int64, revoked: Int64? = nil) {
        self.serial = serial
        self.host = host
        self.issued = issued
        self.expires = expires
        self.revoked = revoked
    }
}

/// A token with which one host may enrol.
package struct StoredEnrolmentToken: Equatable, Sendable {
    /// The name under which it is listed and withdrawn; it gives nothing of the token away.
    package let id: String
    /// The SHA-256 of the token.
    package let digest: [UInt8]
    /// Which host names it is for.
    package let pattern: String
    /// The labels that the host gets.
    package let labels: [String: String]
    /// Who made it.
    package let creator: String
    package let created: Int64
    package let expires: Int64
    /// When it was used, and by which host.
    package var used: Use?

    package struct Use: Equatable, Sendable {
        package let host: String
        package let at: Int64

        package init(host: String, at: Int64) {
            self.host = host
            self.at = at
        }
    }

    package init(
        id: String, digest: [UInt8], pattern: String, labels: [String: String] = [:], creator: String, created: Int64,
        expires: Int64, used: Use? = nil
    ) {
        self.id = id
        self.digest = digest
        self.pattern = pattern
        self.labels = labels
        self.creator = creator
        self.created = created
        self.expires = expires
        self.used = used
    }
}

/// What became of an enrolment.
package enum Enrolment: Equatable, Sendable {
    case enrolled(StoredHost)
    /// There is no such token.
    case unknownToken
    case expiredToken
    case usedToken
    /// A host of that name is enrolled and not revoked, and was not to be replaced.
    case nameTaken
}
