// SPDX-License-Identifier: Apache-2.0

/// Whom a host trusts: the publishers, and how many of them must agree. Hosts pin one; a later one takes its place only
/// when the publishers of both say so.
package struct TrustRoot: SignedStatement {
    package static let payloadType = "application/vnd.drover.trust-root+json"
    package static let noun = "a trust root"
    /// The most publishers.
    package static let keyLimit = 64

    package struct Publisher: Codable, Hashable, Sendable {
        /// What people call the publisher: 1 to 64 characters without control characters.
        package var name: String
        package var key: PublisherKey

        package init(name: String, key: PublisherKey) {
            self.name = name
            self.key = key
        }
    }

    /// Grows with each root: 1 is the first.
    package var serial: Int
    /// How many publishers must sign a statement: 1 to the number of them.
    package var threshold: Int
    package var keys: [Publisher]

    package init(serial: Int, threshold: Int, keys: [Publisher]) {
        self.serial = serial
        self.threshold = threshold
        self.keys = keys
    }

    package var isSound: Bool {
        (1...LinePointer.serialLimit).contains(serial) && (1...Self.keyLimit).contains(keys.count)
            && (1...keys.count).contains(threshold)
            && Set(keys.map(\.key)).count == keys.count && Set(keys.map(\.key.id)).count == keys.count
            && Set(keys.map(\.name)).count == keys.count
            && keys.allSatisfy { publisher in
                (1...64).contains(publisher.name.count)
                    && publisher.name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            }
    }

    /// The root in an envelope that is signed by enough of its own publishers.
    /// - Throws: ``TrustRefusal``.
    package static func first(_ envelope: SignedEnvelope) throws(TrustRefusal) -> TrustRoot {
        let root = try envelope.unchecked(TrustRoot.self)
        return try envelope.statement(TrustRoot.self, signedBy: root)
    }

    /// The root that takes this one's place: with a higher serial, and signed by enough publishers of both.
    /// - Throws: ``TrustRefusal``; `.rollback` when it is older than this one.
    package func successor(_ envelope: SignedEnvelope) throws(TrustRefusal) -> TrustRoot {
        let next = try Self.first(envelope)
        if next == self { return self }
        guard next.serial > serial else {
            throw TrustRefusal(
                .rollback, "its serial is \(next.serial), and this host already trusts the root with serial \(serial)")
        }
        return try envelope.statement(TrustRoot.self, signedBy: self)
    }
}
